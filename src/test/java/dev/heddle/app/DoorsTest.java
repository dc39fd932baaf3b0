package dev.heddle.app;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.name;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import dev.heddle.db.Database;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Keeps the doors of the house: arrows go down only, features never see each other, a few things have one owner. */
class DoorsTest {

    private static final JavaClasses HOUSE = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("dev.heddle");

    /** Every room, and the floor it is on; a new room is added here, and to the rules below by itself. */
    private static final Set<String> ROOMS = Set.of(
            "app",
            "tasks",
            "backup",
            "notifications",
            "dashboard",
            "upstream",
            "files",
            "logs",
            "compute",
            "identity",
            "jobs",
            "content",
            "http",
            "db",
            "client",
            "admission",
            "connection",
            "concurrent");

    @Test
    void everyRoomIsKnownAndOneLevelDeep() {
        var found = new TreeSet<String>();
        HOUSE.forEach(type -> found.add(type.getPackageName().substring("dev.heddle".length())));
        var known = new TreeSet<String>();
        ROOMS.forEach(room -> known.add("." + room));
        assertEquals(known, found);
    }

    @Test
    void arrowsGoDownOnly() {
        layeredArchitecture()
                .consideringOnlyDependenciesInLayers()
                .layer("assembly")
                .definedBy("dev.heddle.app..")
                .layer("features")
                .definedBy(
                        "dev.heddle.tasks..",
                        "dev.heddle.notifications..",
                        "dev.heddle.dashboard..",
                        "dev.heddle.upstream..",
                        "dev.heddle.files..",
                        "dev.heddle.logs..",
                        "dev.heddle.compute..",
                        "dev.heddle.backup..")
                .layer("services")
                .definedBy("dev.heddle.identity..", "dev.heddle.jobs..", "dev.heddle.content..")
                .layer("kernels")
                .definedBy("dev.heddle.http..", "dev.heddle.db..", "dev.heddle.client..")
                .layer("ground")
                .definedBy("dev.heddle.concurrent..", "dev.heddle.connection..", "dev.heddle.admission..")
                .whereLayer("assembly")
                .mayNotBeAccessedByAnyLayer()
                .whereLayer("features")
                .mayOnlyBeAccessedByLayers("assembly")
                .whereLayer("services")
                .mayOnlyBeAccessedByLayers("assembly", "features")
                .whereLayer("kernels")
                .mayOnlyBeAccessedByLayers("assembly", "features", "services")
                .check(HOUSE);
    }

    @Test
    void roomsMakeNoCircles() {
        slices().matching("dev.heddle.(*)..").should().beFreeOfCycles().check(HOUSE);
    }

    @Test
    void featuresNeverSeeOneAnother() {
        slices().matching("dev.heddle.(tasks|notifications|dashboard|upstream|files|logs|compute|backup)..")
                .should()
                .notDependOnEachOther()
                .check(HOUSE);
    }

    @Test
    void servicesDoNotKnowEachOther() {
        slices().matching("dev.heddle.(identity|jobs|content)..")
                .should()
                .notDependOnEachOther()
                .check(HOUSE);
    }

    @Test
    void theTwoKernelsDoNotKnowEachOther() {
        noClasses()
                .that()
                .resideInAPackage("dev.heddle.http..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("dev.heddle.db..")
                .check(HOUSE);
        noClasses()
                .that()
                .resideInAPackage("dev.heddle.db..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("dev.heddle.http..")
                .check(HOUSE);
    }

    @Test
    void onlyTheDatabaseRoomSeesJdbcButForThePoolThatItLendsToTheJobs() {
        var jdbc = resideInAnyPackage("java.sql..", "javax.sql..", "org.postgresql..", "com.zaxxer..");
        noClasses()
                .that()
                .resideOutsideOfPackages("dev.heddle.db..", "dev.heddle.jobs..")
                .should()
                .dependOnClassesThat(jdbc)
                .check(HOUSE);
        // What the engine asks of Picking is put in terms of JDBC: a statement, and its parameters.
        noClasses()
                .that()
                .resideInAPackage("dev.heddle.jobs..")
                .and()
                .doNotHaveSimpleName("Picking")
                .should()
                .dependOnClassesThat(jdbc.and(not(name("javax.sql.DataSource"))))
                .check(HOUSE);
    }

    @Test
    void onlyTheJobsRoomIsLentThePool() {
        noClasses()
                .that()
                .resideOutsideOfPackages("dev.heddle.db..", "dev.heddle.jobs..")
                .should()
                .callMethod(Database.class, "dataSource")
                .check(HOUSE);
    }

    @Test
    void onlyTheJobsRoomSeesItsEngine() {
        noClasses()
                .that()
                .resideOutsideOfPackage("dev.heddle.jobs..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("com.github.kagkarlsson..")
                .check(HOUSE);
    }

    @Test
    void onlyTheHttpRoomAndTheGuardSeeTheWebServer() {
        noClasses()
                .that()
                .resideOutsideOfPackages("dev.heddle.http..", "dev.heddle.connection..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("io.helidon.webserver..")
                .check(HOUSE);
    }

    @Test
    void onlyFanOutMayUseThePreviewApi() {
        noClasses()
                .that()
                .haveNameNotMatching("dev\\.heddle\\.concurrent\\.FanOut(\\$.*)?")
                .should()
                .dependOnClassesThat()
                .haveNameMatching("java\\.util\\.concurrent\\.StructuredTaskScope.*")
                .check(HOUSE);
    }

    @Test
    void storesHoldSqlAndNothingElseDoes() {
        noClasses()
                .that()
                .haveSimpleNameEndingWith("Routes")
                .should()
                .dependOnClassesThat()
                .haveFullyQualifiedName("dev.heddle.db.Sql")
                .check(HOUSE);
    }
}
