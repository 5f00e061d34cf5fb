/* decoder.h - gzip and zstd streams decoded on a thread of their own, beside whoever reads them
 *
 * The thread fills a short ring of blocks and waits when it is full. gzip is decoded by ISA-L, five
 * times as fast as zlib, and zstd by libzstd. Streams of several members or frames are read whole;
 * every check sum that is there is checked; a stream that ends too early or has something else
 * behind its last member is an error. zstd windows beyond 128 MiB are refused (as zstd itself
 * does).
 */
#ifndef XCOMPLIANCE_DECODER_H
#define XCOMPLIANCE_DECODER_H

#include <stddef.h>
#include <stdint.h>

#include "dataset/input.h"
#include "error.h"

#pragma GCC visibility push(hidden)

enum decoder_kind { DECODER_NONE, DECODER_GZIP, DECODER_ZSTD };

struct decoder;

/* What the first bytes of a stream say that it is. */
enum decoder_kind decoder_kind(const void *bytes, size_t size);

/* Begins to decode `input`, of which `size` bytes at `first` have been read already (they are
 * copied). The decoder reads `input` on its thread until decoder_close. NULL with `error` filled.
 */
struct decoder *decoder_open(enum decoder_kind kind, struct input *input, const void *first,
                             size_t size, struct error *error);

/* Copies decoded bytes until `size` are there or the stream has ended. Returns how many, or -1
 * (when all bytes before the problem have been given). Where the stream is corrupt, `error` has the
 * code ERROR_DATA and only the problem as its message: the caller knows line and byte. */
int64_t decoder_read(struct decoder *decoder, void *to, size_t size, struct error *error);

void decoder_close(struct decoder *decoder);

#pragma GCC visibility pop

#endif
