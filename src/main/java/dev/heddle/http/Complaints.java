package dev.heddle.http;

import java.util.ArrayList;
import java.util.List;

/** Collects what is wrong with a request, so that a client hears it all at once. One request's; not for two threads. */
public final class Complaints {

    /** More would help nobody and cost a hostile request nothing: the answer stays small. */
    private static final int MAX = 100;

    private final List<Complaint> all = new ArrayList<>(0);

    /** Complains about a member of the body. */
    public void body(String pointer, String code, String detail) {
        add(new Complaint(Complaint.Place.BODY, pointer, code, detail));
    }

    /** Complains about a query parameter. */
    public void query(String parameter, String code, String detail) {
        add(new Complaint(Complaint.Place.QUERY, parameter, code, detail));
    }

    private void add(Complaint complaint) {
        if (all.size() < MAX) {
            all.add(complaint);
        }
    }

    /** Whether there is nothing to complain about. */
    boolean isEmpty() {
        return all.isEmpty();
    }

    /** Refuses the request if there is anything to complain about. */
    void refuseIfAny() {
        if (!all.isEmpty()) {
            throw ProblemException.invalid(all);
        }
    }
}
