package dev.heddle.jobs;

import com.github.kagkarlsson.scheduler.task.schedule.Schedule;
import com.github.kagkarlsson.scheduler.task.schedule.Schedules;
import java.time.Duration;
import java.time.LocalTime;
import java.time.ZoneOffset;

/** Work that comes back by the clock, on one server of all. One that fails is logged, and comes back all the same. */
public final class Recurring {

    private final String name;
    private final Schedule schedule;
    private final Runnable work;

    private Recurring(String name, Schedule schedule, Runnable work) {
        this.name = name;
        this.schedule = schedule;
        this.work = work;
    }

    /** That long after it has ended; for the first time when the first server starts. */
    public static Recurring every(Duration pause, String name, Runnable work) {
        return new Recurring(name, Schedules.fixedDelay(pause), work);
    }

    /** Once a day. */
    public static Recurring daily(LocalTime utc, String name, Runnable work) {
        return new Recurring(name, Schedules.daily(ZoneOffset.UTC, utc), work);
    }

    String name() {
        return name;
    }

    Schedule schedule() {
        return schedule;
    }

    Runnable work() {
        return work;
    }
}
