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
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The system call syncfs(2), which the JDK does not have, as it is on Linux with a processor of 64 bits. It holds up the thread
 * of the operating system that asks, and no interruption ends it. Not safe for several threads; whoever opened it closes it.
 */
@SuppressWarnings("restricted") // Native access is what this is for; bin/heddle allows it.
final class SyncFs implements AutoCloseable {

    private static final int O_RDONLY = 0;
    private static final int O_CLOEXEC = 0x80000;
    private static final int EPERM = 1;
    private static final int ENOSYS = 38;

    /** Larger than the structure of statfs(2), of which only the first member is read: the kind of the file system. */
    private static final long STATFS_BYTES = 512;

    // Of ext2 and ext3 too, which the same driver has mounted unless there is one of its own for them.
    private static final long EXT4 = 0xEF53;
    private static final long XFS = 0x58465342;

    /** Whose syncfs(2) ends when contents, names and the disk's own cache are written; others were not looked at. */
    private static final Set<Long> KNOWN = Set.of(EXT4, XFS);

    private static final StructLayout STATE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = STATE.varHandle(PathElement.groupElement("errno"));

    private static final MethodHandle OPEN = function(
            "open",
            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT),
            Linker.Option.firstVariadicArg(2));

    private static final MethodHandle FSTATFS =
            function("fstatfs", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.ADDRESS));

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
        int run() throws Throwable;
    }

    private static int call(Call call) {
        try {
            return call.run();
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    /** For the file system of that directory; null when it cannot be opened, or is of a kind that may not keep its word. */
    static @Nullable SyncFs open(Path directory) {
        try (var arena = Arena.ofConfined()) {
            var name = arena.allocateFrom(directory.toString(), StandardCharsets.UTF_8);
            int descriptor = call(() -> (int) OPEN.invokeExact(name, O_RDONLY | O_CLOEXEC));
            if (descriptor < 0) {
                return null;
            }
            var opened = new SyncFs(directory, descriptor);
            if (KNOWN.contains(opened.kind(arena.allocate(STATFS_BYTES, Long.BYTES)))) {
                return opened;
            }
            opened.close();
            return null;
        }
    }

    private long kind(MemorySegment status) {
        int result = call(() -> (int) FSTATFS.invokeExact(descriptor, status));
        return result < 0 ? 0 : status.get(ValueLayout.JAVA_LONG, 0);
    }

    /**
     * Returns when all that was written there is on the disk.
     *
     * @return false when this process may not ask, and nothing was done
     * @throws IOException when something could not be written
     */
    boolean sync() throws IOException {
        try (var arena = Arena.ofConfined()) {
            var state = arena.allocate(STATE);
            int result = call(() -> (int) SYNCFS.invokeExact(state, descriptor));
            if (result == 0) {
                return true;
            }
            int error = (int) ERRNO.get(state, 0L);
            if (error == EPERM || error == ENOSYS) {
                return false;
            }
            throw new IOException("the file system of " + directory + " could not be synced: error " + error);
        }
    }

    @Override
    public void close() {
        // Nothing was written to it, so nothing can be lost.
        call(() -> (int) CLOSE.invokeExact(descriptor));
    }
}
