package dev.heddle.identity;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.heddle.http.Json;
import java.io.IOException;

/** Users as JSON. */
final class UserJson {

    private UserJson() {}

    static void write(JsonGenerator json, User user) throws IOException {
        json.writeStartObject();
        json.writeStringField("id", user.id());
        json.writeStringField("email", user.email());
        json.writeStringField("name", user.name());
        json.writeStringField("role", user.role());
        Json.time(json, "created_at", user.createdAt());
        json.writeEndObject();
    }
}
