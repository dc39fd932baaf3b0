package dev.heddle.http;

/**
 * One thing that is wrong with the input of a request.
 *
 * @param place where it stands: in the body or in the query
 * @param name a JSON pointer (RFC 6901) or the parameter's name
 * @param code what kind of fault, in a word that never changes
 * @param detail the fault in a sentence
 * @param line of the body on which the row begins that it is about; 0 when the body is one document
 */
public record Complaint(Place place, String name, String code, String detail, long line) {

    /** About a body that is one document, or about the query. */
    Complaint(Place place, String name, String code, String detail) {
        this(place, name, code, detail, 0);
    }

    /** Where a complaint points; the constant's member is the JSON member of the problem that carries the name. */
    public enum Place {
        BODY("pointer"),
        QUERY("parameter");

        private final String member;

        Place(String member) {
            this.member = member;
        }

        String member() {
            return member;
        }
    }
}
