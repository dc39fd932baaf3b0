package dev.heddle.notifications;

import java.time.Instant;
import java.util.UUID;

record Mail(UUID id, Instant date, String to, String subject, String text) {}
