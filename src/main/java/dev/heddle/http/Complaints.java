package dev.heddle.http;

import java.util.ArrayList;
import java.util.List;

/** Collects what is wrong with a request, so that a client hears it all at once. One request's; not for two threads. */
public final class Complaints {

    /** More would help nobody and cost a hostile request nothing: the answer stays small. */
    static final int MAX = 100;

    /** Longer than any name or pointer of ours. */
    static final int NAME_MAX = 100;

    private final List<Complaint> all = new ArrayList<>(0);
    private long line;

    /** From now on, complaints about the body are about the row that begins on that line. */
    void line(long begin) {
        line = begin;
    }

    /** Complains about a member of the body. */
    public void body(String pointer, String code, String detail) {
        add(Complaint.Place.BODY, pointer, code, detail, line);
    }

    /** Complains about a query parameter. */
    public void query(String parameter, String code, String detail) {
        add(Complaint.Place.QUERY, parameter, code, detail, 0);
    }

    private void add(Complaint.Place place, String name, String code, String detail, long at) {
        if (!isFull()) {
            all.add(new Complaint(place, printable(name), code, detail, at));
        }
    }

    /** A name that the client made up is echoed to it, so only so much of it. */
    private static String printable(String name) {
        if (name.length() <= NAME_MAX) {
            return name;
        }
        int end = Character.isHighSurrogate(name.charAt(NAME_MAX - 1)) ? NAME_MAX - 1 : NAME_MAX;
        return name.substring(0, end) + "…";
    }

    /** Whether there is nothing to complain about. */
    boolean isEmpty() {
        return all.isEmpty();
    }

    /** Whether one more would not be kept. */
    boolean isFull() {
        return all.size() >= MAX;
    }

    List<Complaint> all() {
        return all;
    }

    /** Refuses the request if there is anything to complain about. */
    void refuseIfAny() {
        if (!all.isEmpty()) {
            throw ProblemException.invalid(all);
        }
    }
}
