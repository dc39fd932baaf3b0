/** What users are told, and what is kept of what they did: notifications, e-mail, activity, statistics. */
@NullMarked
package dev.heddle.notifications;

import org.jspecify.annotations.NullMarked;
