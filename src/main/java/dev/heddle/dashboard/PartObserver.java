package dev.heddle.dashboard;

import java.time.Duration;

/** Is told how parts end. Safe for any thread. */
@FunctionalInterface
public interface PartObserver {
    /**
     * A part ended.
     *
     * @param status {@code ok}, {@code timeout}, {@code error} or {@code unavailable}
     */
    void made(String composition, String part, String status, Duration took);
}
