/* decoder.h - a packed stream, decoded on threads of its own beside its reader
 *
 * The threads fill a short ring of blocks and wait if it is full. There is one, and more if the
 * members are small and their sizes can be found without decoding them (packing.h). All members of
 * a stream (frames, or streams, as some packings call them) are read, with zero bytes between or
 * after them; every checksum is verified. A stream that ends too early, or has something else after
 * a member, is an error.
 */
#ifndef XCOMPLIANCE_DECODER_H
#define XCOMPLIANCE_DECODER_H

#include <stddef.h>
#include <stdint.h>

#include "dataset/bytes/input.h"
#include "dataset/bytes/packing.h"
#include "error.h"

#pragma GCC visibility push(hidden)

struct decoder;

/* Starts to decode `input`, by at most `threads` threads. Its first `size` bytes, at `first`, have
 * already been read; they are copied. The decoder reads `input` on its threads until decoder_close.
 * NULL with `error` filled. */
struct decoder *decoder_open(const struct packing *packing, struct input *input, unsigned threads,
                             const void *first, size_t size, struct error *error);

/* Copies decoded bytes until `size` are there or the stream has ended. Returns how many, or -1
 * (when all bytes before the problem have been given). If the problem is in the data, `error`
 * has the code ERROR_DATA and only the problem as its message: the caller knows line and byte. */
int64_t decoder_read(struct decoder *decoder, void *to, size_t size, struct error *error);

void decoder_close(struct decoder *decoder);

#pragma GCC visibility pop

#endif
