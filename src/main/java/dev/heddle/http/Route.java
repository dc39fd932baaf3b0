package dev.heddle.http;

import io.prometheus.metrics.core.datapoints.DistributionDataPoint;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * One operation of the API.
 *
 * @param method as in the request line
 * @param pattern such as {@code /tasks/{id}}
 * @param access who may use it
 * @param load what keeps it from being done too often at once
 * @param run reads the request, and answers it when there is nothing to complain about
 * @param timings its histograms by status, looked up once
 */
record Route(
        String method, String pattern, Access access, Load load, Run run, Map<Integer, DistributionDataPoint> timings) {

    @FunctionalInterface
    interface Run {
        Answer run(Request request);
    }

    Route(String method, String pattern, Access access, Load load, Run run) {
        this(method, pattern, access, load, run, new ConcurrentHashMap<>());
    }
}
