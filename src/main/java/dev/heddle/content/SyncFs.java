package dev.heddle.content;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * The system call syncfs(2), which the JDK does not have. It holds up the thread of the operating system that asks, and no
 * interruption ends it. Not safe for several threads; whoever opened it closes it.
 */
@SuppressWarnings("restricted") // Native access is what this is for; bin/heddle allows it.
final class SyncFs implements AutoCloseable {

    // Of Linux, the same on all processors that the JDK knows.
    private static final int O_RDONLY = 0;
    private static final int O_CLOEXEC = 0x80000;
    private static final int ENOENT = 2;

    private static final StructLayout STATE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = STATE.varHandle(PathElement.groupElement("errno"));

    private static final MethodHandle OPEN = function(
            "open",
            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT),
            Linker.Option.captureCallState("errno"),
            Linker.Option.firstVariadicArg(2));

    private static final MethodHandle SYNCFS = function(
            "syncfs",
            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT),
            Linker.Option.captureCallState("errno"));

    private static final MethodHandle CLOSE =
            function("close", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

    private final Path directory;
    private final int descriptor;

    private SyncFs(Path directory, int descriptor) {
        this.directory = directory;
        this.descriptor = descriptor;
    }

    private static MethodHandle function(String name, FunctionDescriptor its, Linker.Option... options) {
        var linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), its, options);
    }

    @FunctionalInterface
    private interface Call {
        @SuppressWarnings("IllegalThrows") // As a method handle says it.
        int with(MemorySegment state) throws Throwable;
    }

    /** For the file system of that directory. */
    static SyncFs open(Path directory) throws IOException {
        try (var arena = Arena.ofConfined()) {
            var name = arena.allocateFrom(directory.toString());
            return new SyncFs(directory, result(directory, state ->
                    (int) OPEN.invokeExact(state, name, O_RDONLY | O_CLOEXEC)));
        }
    }

    /** Returns when all that was written there is on the disk. */
    void sync() throws IOException {
        result(directory, state -> (int) SYNCFS.invokeExact(state, descriptor));
    }

    @Override
    public void close() {
        try {
            // Nothing was written to it, so nothing can be lost.
            int _ = (int) CLOSE.invokeExact(descriptor);
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    private static int result(Path directory, Call call) throws IOException {
        try (var arena = Arena.ofConfined()) {
            var state = arena.allocate(STATE);
            int result;
            try {
                result = call.with(state);
            } catch (Throwable e) {
                throw new IllegalStateException(e);
            }
            if (result < 0) {
                int error = (int) ERRNO.get(state, 0L);
                throw error == ENOENT
                        ? new NoSuchFileException(directory.toString())
                        : new IOException("the file system of " + directory + " could not be synced: error " + error);
            }
            return result;
        }
    }
}
