package dev.heddle.jobs;

/**
 * Jobs that wait for the same thing share a lane, with workers and a table of its own: however slow one lane is, the
 * others go on. The names of the tables are part of the statements that enqueue.
 */
public enum Lane {
    /** Jobs whose whole effect is on this database. */
    DATABASE("jobs"),
    /** Jobs that wait for somebody else's server. */
    OUTBOUND("outbound_jobs");

    private final String table;

    Lane(String table) {
        this.table = table;
    }

    String table() {
        return table;
    }
}
