/* gzip_members.h - gzip in members of a mebibyte, packed by several threads
 *
 * A gzip file may be a series of members (RFC 1952, 2.2), as bgzip and `pigz -i` make them, and
 * every gunzip reads it. Each member here is at most a mebibyte of text, so that several threads
 * can pack at a time, and it states its own size in an extra field (2.3.1.1), so that several can
 * unpack it again. The bytes are the same, however many threads there are and however the text
 * comes.
 */
#ifndef XCOMPLIANCE_GZIP_MEMBERS_H
#define XCOMPLIANCE_GZIP_MEMBERS_H

#include <stddef.h>

#include "dataset/bytes/packing.h"

#pragma GCC visibility push(hidden)

/* An encoder of packing.h. */
void *gzip_encoder_new(int level, int threads);
enum packing_step gzip_encode(void *encoder, struct packing_buffers *buffers);
void gzip_encoder_free(void *encoder); /* may be given NULL */

/* The size of a member that states it, as these do and those of bgzip (packing.h). */
size_t gzip_member_size(const unsigned char *bytes, size_t size);

#pragma GCC visibility pop

#endif
