/**
 * The HTTP kernel: what every route has in common, from the route table to the last header. A feature adds its routes to
 * {@link dev.heddle.http.Routes}, reads what it was sent through {@link dev.heddle.http.Request}, answers with an
 * {@link dev.heddle.http.Answer}, and refuses with a {@link dev.heddle.http.Problem}.
 */
@NullMarked
package dev.heddle.http;

import org.jspecify.annotations.NullMarked;
