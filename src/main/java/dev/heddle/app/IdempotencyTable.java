package dev.heddle.app;

import dev.heddle.db.Database;
import dev.heddle.db.DatabaseException;
import dev.heddle.db.Row;
import dev.heddle.db.Sql;
import dev.heddle.http.Answer;
import dev.heddle.http.Digests;
import dev.heddle.http.Idempotency;
import dev.heddle.http.Idempotency.Use;
import dev.heddle.http.Problem;
import dev.heddle.http.ProblemException;
import dev.heddle.http.Problems;
import io.helidon.http.HeaderNames;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Keeps the outcomes of idempotent writes in the transaction that made them, so that a key holds across crashes and
 * replicas: after a commit there is the write and its answer, after a rollback neither.
 */
final class IdempotencyTable implements Idempotency.Store {

    /** The table's own name for "the user of the key is gone", deleted while its token was still remembered. */
    private static final String OWNER_CONSTRAINT = "idempotency_keys_user_id_fkey";

    /** The names and values of the headers alternate in the table. */
    private record Kept(String fingerprint, Answer answer) {}

    private final Database database;

    IdempotencyTable(Database database) {
        this.database = database;
    }

    @Override
    public Answer once(Use use, Supplier<Answer> work) {
        try {
            return outcome(use, work);
        } catch (DatabaseException e) {
            if (e.isConstraint(OWNER_CONSTRAINT)) {
                throw Problem.UNAUTHENTICATED.because("The user of the token is gone.");
            }
            throw e;
        }
    }

    private Answer outcome(Use use, Supplier<Answer> work) {
        try {
            return keptOr(use, () -> run(use, work));
        } catch (Refused refused) {
            // The work was rolled back and changed nothing; that outcome is kept too. Our lock went with the rollback,
            // so another request may have been first meanwhile: then its outcome counts.
            return keptOr(use, () -> refused.answer);
        }
    }

    private Answer keptOr(Use use, Supplier<Answer> work) {
        return database.inTransaction(sql -> {
            lock(sql, use);
            var kept = find(sql, use);
            if (kept.isPresent()) {
                return replay(kept.get(), use);
            }
            var answer = work.get();
            keep(sql, use, answer);
            return answer;
        });
    }

    /**
     * One at a time per key, on all replicas. An advisory lock and not the row's, so that a second request hears at once
     * that the first still runs. Two keys with the same 64 bits of hash would only be told to try again.
     */
    private static void lock(Sql sql, Use use) {
        var name = (use.callerId() + "\n" + use.key()).getBytes(StandardCharsets.UTF_8);
        long id = ByteBuffer.wrap(Digests.sha256(name)).getLong();
        if (!sql.first("SELECT pg_try_advisory_xact_lock(?)", Row::flag, id).orElseThrow()) {
            throw Problem.IDEMPOTENCY_IN_PROGRESS.asException();
        }
    }

    private static Optional<Kept> find(Sql sql, Use use) {
        return sql.first(
                """
                SELECT fingerprint, status, headers, body FROM idempotency_keys
                WHERE user_id = ? AND key = ? AND created_at > now() - interval '24 hours'
                """,
                row -> new Kept(row.text(), answer(row.integer(), row.texts(), row.bytes())),
                use.callerId(),
                use.key());
    }

    private static Answer replay(Kept kept, Use use) {
        if (!kept.fingerprint().equals(use.fingerprint())) {
            throw Problem.IDEMPOTENCY_KEY_REUSED.asException();
        }
        return kept.answer().header(Idempotency.REPLAYED, "true");
    }

    private static Answer answer(int status, List<String> headers, byte[] body) {
        var answer = Answer.of(status, body);
        for (int i = 0; i + 1 < headers.size(); i += 2) {
            answer.header(HeaderNames.create(headers.get(i)), headers.get(i + 1));
        }
        return answer;
    }

    /** A refusal of the use case (not there, changed meanwhile) is an outcome; a failure of the server is none. */
    private static Answer run(Use use, Supplier<Answer> work) {
        try {
            return work.get();
        } catch (ProblemException e) {
            if (e.problem().status() >= 500) {
                throw e;
            }
            throw new Refused(Problems.answer(e, use.path(), use.requestId()), e);
        }
    }

    /** A key that has outlived its 24 hours is overwritten; a younger one cannot be there, we hold its lock. */
    private static void keep(Sql sql, Use use, Answer answer) {
        var headers = new ArrayList<String>();
        answer.headers().forEach(header -> headers.addAll(List.of(header.name(), header.get())));
        sql.update("""
            INSERT INTO idempotency_keys (user_id, key, fingerprint, status, headers, body) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (user_id, key) DO UPDATE SET fingerprint = excluded.fingerprint, status = excluded.status,
                headers = excluded.headers, body = excluded.body, created_at = excluded.created_at
            """, use.callerId(), use.key(), use.fingerprint(), answer.status(), headers, answer.bytes());
    }

    /** Deletes the keys that have outlived their time. */
    void sweep() {
        database.inBatches(sql -> sql.update("""
            DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
                SELECT ctid FROM idempotency_keys WHERE created_at < now() - interval '24 hours' LIMIT 1000))
            """));
    }

    private static final class Refused extends RuntimeException {

        private static final long serialVersionUID = 1L;

        private final transient Answer answer;

        Refused(Answer answer, ProblemException cause) {
            super(cause);
            this.answer = answer;
        }
    }
}
