package dev.heddle.app;

import dev.heddle.db.Database;
import dev.heddle.files.DiskFileStore;
import dev.heddle.files.FileRoutes;
import dev.heddle.files.UserFiles;
import dev.heddle.http.Idempotency;
import dev.heddle.http.Routes;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;

/** Files of users, put together. Whoever opens it closes it. */
final class Storage implements AutoCloseable {

    private final Settings.Files its;
    private final DiskFileStore store;

    /**
     * Opens the store.
     *
     * @throws IllegalStateException with a line for the operator when its directory cannot be used
     */
    Storage(Settings settings) {
        its = settings.files();
        try {
            store = new DiskFileStore(its.directory(), its.keepFree());
        } catch (IOException e) {
            throw new IllegalStateException("cannot use the directory of files " + its.directory() + ": " + e, e);
        }
    }

    /** The use cases, over that database. */
    UserFiles files(Database database) {
        return new UserFiles(
                database, store, new UserFiles.Limits(its.maxSize(), its.quota(), its.maxFiles(), its.maxUploads()));
    }

    /** Adds the routes. */
    void addRoutes(Routes routes, Database database, Idempotency idempotency) {
        FileRoutes.add(routes, files(database), idempotency);
    }

    /** Registers what there is to watch. */
    void register(PrometheusRegistry registry) {
        GaugeWithCallback.builder()
                .name("heddle_files_incoming")
                .help("Uploads that are being received.")
                .callback(callback -> callback.call(store.incoming()))
                .register(registry);
        GaugeWithCallback.builder()
                .name("heddle_files_free_bytes")
                .help("What may still be uploaded before the disk is as full as files.keep-free lets it be.")
                .callback(callback -> callback.call((double) store.free()))
                .register(registry);
    }

    @Override
    public void close() {
        store.close();
    }
}
