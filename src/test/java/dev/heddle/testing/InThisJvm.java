package dev.heddle.testing;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Tag;

/**
 * An IT that is about classes in the JVM of the tests and starts no Heddle. Without this one it runs on the runtime image too,
 * with {@code -Pdist}. {@code OnImageTest} knows which is right.
 */
@Tag("in-this-jvm")
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
public @interface InThisJvm {}
