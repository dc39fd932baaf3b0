package dev.heddle.tasks;

import dev.heddle.jobs.JobInsert;
import dev.heddle.jobs.JobInsert.Follower;
import dev.heddle.jobs.JobKind;

/**
 * What is done after a task has changed. The jobs' data are JSON objects; all have {@code user_id}, and {@code task_id} if
 * they are about one task.
 *
 * @param created of each row of {@code created}; data also {@code title}; it also counts the task, so that creating costs
 *     one job
 * @param completed {@code title} for the e-mail, the others as below
 * @param completedEach the same of each row of {@code finished}
 * @param reopened {@code total} and {@code completed}, by which the counts change, and {@code action}
 * @param deleted the same
 * @param imported the same for all tasks of an import together: two jobs, however many tasks
 */
public record FollowUps(
        JobInsert created,
        JobInsert completed,
        JobInsert completedEach,
        JobInsert reopened,
        JobInsert deleted,
        JobInsert imported) {

    private static final String WHICH = "jsonb_build_object('user_id', user_id, 'task_id', id";

    private static final String TITLED = WHICH + ", 'title', title)";

    /** By these kinds of jobs. */
    public static FollowUps of(JobKind notification, JobKind email, JobKind stats, JobKind activity) {
        var completed = new Follower[] {
            new Follower(email, TITLED),
            new Follower(stats, counted("0", "1")),
            new Follower(activity, done("task_completed"))
        };
        return new FollowUps(
                JobInsert.followingEach("created", new Follower(notification, TITLED)),
                JobInsert.following("task", completed),
                JobInsert.followingEach("finished", completed),
                JobInsert.following(
                        "task", new Follower(stats, counted("0", "-1")), new Follower(activity, done("task_reopened"))),
                JobInsert.following(
                        "task",
                        new Follower(stats, counted("-1", "CASE WHEN completed THEN -1 ELSE 0 END")),
                        new Follower(activity, done("task_deleted"))),
                JobInsert.following(
                        "imported",
                        new Follower(
                                stats,
                                "jsonb_build_object('user_id', user_id, 'total', total, 'completed', completed)"),
                        new Follower(activity, "jsonb_build_object('user_id', user_id, 'action', 'tasks_imported')")));
    }

    private static String counted(String total, String completed) {
        return WHICH + ", 'total', " + total + ", 'completed', " + completed + ")";
    }

    private static String done(String action) {
        return WHICH + ", 'action', '" + action + "')";
    }
}
