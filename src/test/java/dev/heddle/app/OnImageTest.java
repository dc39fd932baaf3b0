package dev.heddle.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import dev.heddle.testing.InThisJvm;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Which ITs run on the runtime image: all that start a Heddle, and no others. */
class OnImageTest {

    private static final Set<String> STARTERS = Set.of(TestServer.class.getName(), HeddleProcess.class.getName());

    /** Those that start one and yet run in the JVM of the tests only. */
    private static final Map<String, String> EXCEPTIONS =
            Map.of(FuzzIT.class.getName(), "the fuzzer follows its input through classes of its own JVM");

    /** By their names; what is within a class counts as its own. */
    private static final Map<String, Set<JavaClass>> TESTS = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.ONLY_INCLUDE_TESTS).importPackages("dev.heddle").stream()
                    .collect(Collectors.groupingBy(OnImageTest::outermost, Collectors.toSet()));

    private static String outermost(JavaClass type) {
        int dollar = type.getName().indexOf('$');
        return dollar < 0 ? type.getName() : type.getName().substring(0, dollar);
    }

    private static Stream<JavaClass> classes(String test) {
        return TESTS.getOrDefault(test, Set.of()).stream();
    }

    /** Itself, or with the help of others. */
    private static boolean startsHeddle(String test) {
        return reached(test, new TreeSet<>()).stream().anyMatch(STARTERS::contains);
    }

    private static Set<String> reached(String from, Set<String> reached) {
        if (reached.add(from)) {
            classes(from)
                    .flatMap(type -> type.getDirectDependenciesFromSelf().stream())
                    .map(dependency -> outermost(dependency.getTargetClass().getBaseComponentType()))
                    .filter(TESTS::containsKey)
                    .forEach(next -> reached(next, reached));
        }
        return reached;
    }

    private static boolean isInThisJvm(String test) {
        return classes(test).anyMatch(type -> type.isAnnotatedWith(InThisJvm.class));
    }

    @Test
    void exactlyTheITsThatStartNoHeddleStayInTheJvmOfTheTests() {
        var its = TESTS.keySet().stream().filter(test -> test.endsWith("IT")).toList();
        assertTrue(its.size() > 60, () -> "found " + its);
        var expected = its.stream()
                .filter(test -> !startsHeddle(test) || EXCEPTIONS.containsKey(test))
                .collect(Collectors.toCollection(TreeSet::new));
        var actual = its.stream().filter(OnImageTest::isInThisJvm).collect(Collectors.toCollection(TreeSet::new));
        assertEquals(expected, actual, "@InThisJvm");
    }

    @Test
    void noExceptionIsNeededNoLonger() {
        for (var test : EXCEPTIONS.keySet()) {
            assertTrue(startsHeddle(test), test);
        }
    }
}
