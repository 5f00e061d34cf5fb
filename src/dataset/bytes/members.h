/* members.h - a packed stream of many small members, packed by several threads
 *
 * A file of gzip may be a series of members (RFC 1952, 2.2), and one of bzip2 a series of streams,
 * as bgzip and pbzip2 make them; every gunzip and bunzip2 reads them. So several threads can pack at
 * a time. The bytes are the same, however many threads there are and however the text comes.
 */
#ifndef XCOMPLIANCE_MEMBERS_H
#define XCOMPLIANCE_MEMBERS_H

#include <stddef.h>

#include "dataset/bytes/packing.h"

#pragma GCC visibility push(hidden)

/* How one member is packed. Each thread has a packer. */
struct members_kind {
  size_t text_size;               /* of a member, at most */
  size_t room;                    /* for a member, even of text that does not shrink */
  void *(*packer_new)(int level); /* NULL if memory is short */
  /* Returns the size of the member; 0 if memory is short. */
  size_t (*pack)(void *packer, const unsigned char *text, size_t size, unsigned char *to);
  void (*packer_free)(void *packer);
};

/* An encoder of packing.h. */
void *members_encoder_new(const struct members_kind *kind, int level, int threads);
enum packing_step members_encode(void *encoder, struct packing_buffers *buffers);
void members_encoder_free(void *encoder); /* may be given NULL */

#pragma GCC visibility pop

#endif
