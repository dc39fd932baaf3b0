package dev.heddle.db;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A row as PostgreSQL sends it, a DataRow message: the number of its columns, and of each its length and its value in the
 * binary form of its type. The statement's preparation has shown that all its columns have a type of {@link #READABLE}.
 */
final class WireRow extends Row {

    /** Of PostgreSQL's catalogue: bool, bytea, int8, int2, int4, text, text[], varchar, timestamptz, uuid. */
    static final Set<Integer> READABLE = Set.of(16, 17, 20, 21, 23, 25, 1009, 1043, 1184, 2950);

    /** From 1970, where Java counts from, to 2000, where PostgreSQL does. */
    private static final long EPOCH_MICROS = 946_684_800_000_000L;

    private static final long MICROS_PER_SECOND = 1_000_000;

    private final ByteBuffer data;

    WireRow(byte[] data) {
        this.data = ByteBuffer.wrap(data);
        this.data.position(Short.BYTES);
    }

    /** The length of the next column, at whose value the buffer stands then; negative for null. */
    private int column() {
        next();
        return data.getInt();
    }

    private int present() {
        int length = column();
        if (length < 0) {
            throw isNull();
        }
        return length;
    }

    @Override
    public @Nullable String textOrNull() {
        int length = column();
        return length < 0 ? null : text(length);
    }

    private String text(int length) {
        var text = new String(data.array(), data.position(), length, StandardCharsets.UTF_8);
        data.position(data.position() + length);
        return text;
    }

    @Override
    public @Nullable UUID uuidOrNull() {
        return column() < 0 ? null : new UUID(data.getLong(), data.getLong());
    }

    @Override
    public boolean flag() {
        present();
        return data.get() != 0;
    }

    @Override
    public int integer() {
        return Math.toIntExact(bigint());
    }

    @Override
    public long bigint() {
        return switch (present()) {
            case Short.BYTES -> data.getShort();
            case Integer.BYTES -> data.getInt();
            default -> data.getLong();
        };
    }

    @Override
    public @Nullable Instant instantOrNull() {
        if (column() < 0) {
            return null;
        }
        long micros = data.getLong() + EPOCH_MICROS;
        return Instant.ofEpochSecond(
                Math.floorDiv(micros, MICROS_PER_SECOND), Math.floorMod(micros, MICROS_PER_SECOND) * 1000);
    }

    @Override
    public List<String> texts() {
        if (column() < 0) {
            return List.of();
        }
        int dimensions = data.getInt();
        // Whether it has nulls, and the type of its elements.
        data.position(data.position() + 2 * Integer.BYTES);
        if (dimensions == 0) {
            return List.of();
        }
        int size = data.getInt();
        // The index of its first element.
        data.getInt();
        var texts = new ArrayList<String>(size);
        for (int i = 0; i < size; i++) {
            texts.add(text(data.getInt()));
        }
        return List.copyOf(texts);
    }

    @Override
    public byte[] bytes() {
        int length = present();
        int from = data.position();
        data.position(from + length);
        return Arrays.copyOfRange(data.array(), from, from + length);
    }
}
