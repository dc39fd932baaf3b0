package dev.heddle.files;

import dev.heddle.http.BodyOutput;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/** The contract, where there is no disk: an object store has no more than this. */
class MemoryFileStoreTest extends FileStoreContract {

    @Override
    FileStore open() {
        return new MemoryFileStore();
    }

    private static final class MemoryFileStore implements FileStore {

        private record Held(ByteArrayOutputStream bytes, Instant since) {}

        private final Map<UUID, Held> held = new ConcurrentHashMap<>();

        @Override
        public Incoming begin(long announced) {
            var id = UUID.randomUUID();
            var bytes = new ByteArrayOutputStream();
            return new Incoming() {
                @Override
                public UUID id() {
                    return id;
                }

                @Override
                public void write(byte[] from, int offset, int length) {
                    bytes.write(from, offset, length);
                }

                @Override
                public void keep() {
                    held.put(id, new Held(bytes, Instant.now()));
                }

                @Override
                public void close() {
                    // Nobody holds it.
                }
            };
        }

        @Override
        public Optional<Kept> open(UUID id) {
            return Optional.ofNullable(held.get(id)).map(it -> new KeptInMemory(it.bytes()));
        }

        private record KeptInMemory(ByteArrayOutputStream bytes) implements Kept {
            @Override
            public long size() {
                return bytes.size();
            }

            @Override
            public void write(long position, long count, BodyOutput out) throws IOException {
                if (position + count > size()) {
                    throw new EOFException();
                }
                out.write(bytes.toByteArray(), (int) position, (int) count);
            }

            @Override
            public void close() {
                // Nothing is open.
            }
        }

        @Override
        public void delete(UUID id) {
            held.remove(id);
        }

        @Override
        public int sweep(Instant before, Function<Collection<UUID>, Set<UUID>> known) {
            var old = held.entrySet().stream()
                    .filter(it -> it.getValue().since().isBefore(before))
                    .map(Map.Entry::getKey)
                    .toList();
            var used = old.isEmpty() ? Set.<UUID>of() : known.apply(List.copyOf(old));
            var gone = old.stream().filter(id -> !used.contains(id)).toList();
            gone.forEach(held::remove);
            return gone.size();
        }

        @Override
        public void close() {
            held.clear();
        }
    }
}
