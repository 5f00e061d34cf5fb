/* gzip_members.h - gzip in members of a mebibyte that state their sizes
 *
 * Each states its own in an extra field (RFC 1952, 2.3.1.1), so that several can be unpacked at a
 * time.
 */
#ifndef XCOMPLIANCE_GZIP_MEMBERS_H
#define XCOMPLIANCE_GZIP_MEMBERS_H

#include <stddef.h>

#include "dataset/bytes/members.h"

#pragma GCC visibility push(hidden)

extern const struct members_kind gzip_members;

/* The size of a member that states it, as these do and those of bgzip (packing.h). */
size_t gzip_member_size(const unsigned char *bytes, size_t size);

#pragma GCC visibility pop

#endif
