package dev.heddle.client;

/** A field of a request or an answer, as it is sent. RFC 9110 §5. */
public record HttpHeader(String name, String value) {}
