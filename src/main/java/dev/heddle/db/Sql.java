package dev.heddle.db;

import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a store does its work with: the statements of one unit of work. It is handed out by {@link Database}, belongs to
 * the thread that received it, and ends with the unit; nobody closes it. Statements and results are closed before each
 * method returns, whatever a mapper throws.
 *
 * <p>Parameters stand as {@code ?} in the text and are given in order: {@link String}, {@link Integer}, {@link Long},
 * {@link Boolean}, {@link java.util.UUID}, {@link java.time.Instant}, {@code byte[]}, {@link List} of strings (a {@code
 * text[]}) or null.
 */
public interface Sql {

    /** Makes a value of a row; it reads the columns in their order and keeps nothing of the row. */
    @FunctionalInterface
    interface Mapper<T> {
        /** Reads one row. */
        T map(Row row);
    }

    /**
     * Every row. The statement must bound their number.
     *
     * @throws DatabaseException when the statement fails or the deadline has passed
     */
    <T> List<T> list(String statement, Mapper<T> mapper, @Nullable Object... parameters);

    /**
     * The first row, if there is one.
     *
     * @throws DatabaseException when the statement fails or the deadline has passed
     */
    <T> Optional<T> first(String statement, Mapper<T> mapper, @Nullable Object... parameters);

    /**
     * Runs a statement that returns no rows.
     *
     * @return how many rows it changed
     * @throws DatabaseException when the statement fails or the deadline has passed
     */
    long update(String statement, @Nullable Object... parameters);

    /**
     * Runs a {@code COPY … FROM STDIN}: what the stream holds, in the format that the statement names, becomes rows. In a
     * transaction, as whatever ends the stream before its end ends the statement with nothing written.
     *
     * @return how many rows
     * @throws DatabaseException when the statement fails or the deadline has passed
     * @throws java.io.UncheckedIOException when the stream cannot be read
     */
    long copyIn(String statement, InputStream rows);

    /**
     * Runs a {@code COPY … TO STDOUT}: the rows go to the stream as they come, so their number needs no bound.
     *
     * @return how many rows
     * @throws DatabaseException when the statement fails or the deadline has passed
     * @throws java.io.UncheckedIOException when the stream takes no more
     */
    long copyOut(String statement, OutputStream rows);

    /**
     * Runs an action when this unit, or the one it has joined, has ended well: its writes are committed and its
     * connection is given back. Never after a failure. Actions run in their order on the thread of the unit, must be
     * quick, and must not throw.
     */
    void afterwards(Runnable action);
}
