/* address.h - whether a network address is one of the public internet
 *
 * By IANA's registries of special-purpose addresses (RFC 6890). If an IPv6 address contains an IPv4
 * one (mapped, 64:ff9b::/96, 6to4), the IPv4 address counts.
 */
#ifndef XCOMPLIANCE_HTTP_ADDRESS_H
#define XCOMPLIANCE_HTTP_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

#pragma GCC visibility push(hidden)

/* An address that is neither IPv4 nor IPv6 is not public. */
bool address_is_public(const struct sockaddr *address);

#pragma GCC visibility pop

#endif
