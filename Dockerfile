# The runtime image of Heddle in a container. Its steps are what anybody can run without one:
#
#   mvn -q -B -Pdist -DskipTests package
#   tar --extract --file=target/heddle-VERSION-linux-x64.tar.gz
#   bin/heddle
#
#   docker build -t heddle .                              with the PostgreSQL that it brings along
#   docker build -t heddle:slim --build-arg VARIANT=-slim .   without, for one elsewhere
#
# Podman and Buildah too; give them --format docker, or the health check is not in the image.
#
#   docker run --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges --stop-timeout 60 \
#       -p 127.0.0.1:8080:8080 -v heddle:/var/lib/heddle heddle
#
# Settings: mount an app.yaml into /etc/heddle, or use the environment. The first administrator's token is
# /var/lib/heddle/admin-token.

FROM maven:3.9-eclipse-temurin-25 AS build
# As an ordinary user: the training run starts a PostgreSQL, which does not run as root, and the way around that is closed
# in a container.
RUN useradd --create-home build
USER build
WORKDIR /home/build/heddle
COPY --chown=build . .
RUN mvn -q -B -Pdist -DskipTests package
ARG VARIANT=""
RUN mkdir /home/build/image \
    && tar --extract --file="$(ls target/heddle-*-linux-x64${VARIANT}.tar.gz)" \
        --directory=/home/build/image --strip-components=1

# The C library, a shell, and the programs that start PostgreSQL (setsid).
FROM debian:13-slim
RUN groupadd --gid 10001 heddle \
    && useradd --uid 10001 --gid heddle --home-dir /var/lib/heddle --shell /usr/sbin/nologin heddle \
    && install --directory --owner=heddle --group=heddle --mode=700 /var/lib/heddle \
    && install --directory /etc/heddle
# Of root, who is not there when it runs: nobody changes it.
COPY --from=build --chown=0:0 /home/build/image /opt/heddle
ENV PATH=/opt/heddle/bin:$PATH \
    SERVER_HOST=0.0.0.0 \
    DATA_DIRECTORY=/var/lib/heddle
USER 10001:10001
# Where app.yaml is looked for; without one, that of the image is read.
WORKDIR /etc/heddle
VOLUME /var/lib/heddle
EXPOSE 8080
STOPSIGNAL SIGTERM
# The listener for operators is not published; the check asks it from inside. No --start-interval: builders that do not know
# it refuse the whole file.
HEALTHCHECK --interval=15s --timeout=6s --start-period=60s --retries=3 \
    CMD ["/opt/heddle/bin/heddle", "health"]
ENTRYPOINT ["/opt/heddle/bin/heddle"]
CMD ["serve"]
