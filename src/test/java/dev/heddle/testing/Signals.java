package dev.heddle.testing;

import java.io.IOException;
import java.util.List;

/** The signals that Java itself cannot send. */
public final class Signals {

    private Signals() {}

    /** Sends a process one of them, such as {@code STOP}; it must be one that the test has started. */
    public static void send(String signal, long pid) {
        try {
            // The shell's own: not every machine has a program of that name.
            var kill = new ProcessBuilder(List.of("sh", "-c", "kill -" + signal + " " + pid)).inheritIO();
            int status = kill.start().waitFor();
            if (status != 0) {
                throw new IllegalStateException("SIG" + signal + " did not reach its process");
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
