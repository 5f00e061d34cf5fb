/* packing.h - what a file can be packed in: gzip, zstd, bzip2, xz
 *
 * One table, for input and output alike: how a packing is recognised by the first bytes and by the
 * name of a file, how it is decoded and how it is made. A new packing is a new entry in packing.c.
 *
 * Both directions work in steps: a step takes some bytes of `in`, adds some to `out`, and moves
 * both.
 */
#ifndef XCOMPLIANCE_PACKING_H
#define XCOMPLIANCE_PACKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

enum { PACKING_HEAD_MAX = 18 }; /* bytes that identify every packing, and the memory it needs */

struct packing_buffers {
  const unsigned char *in;
  size_t in_size;
  unsigned char *out;
  size_t out_size; /* room */
  bool last;       /* nothing follows `in` */
  uint64_t needed; /* PACKING_MEMORY: bytes, or 0 if that is unknown */
};

enum packing_step {
  PACKING_MORE,      /* decoding: more input or more room is needed; encoding: more room */
  PACKING_DONE,      /* decoding: the member has ended; encoding: all input has been taken, and with
                        `last` the end of the member was written */
  PACKING_CORRUPT,   /* the data are damaged */
  PACKING_CHECKSUM,  /* the data are damaged: their checksum is wrong */
  PACKING_MEMORY,    /* the data are not damaged, but need more memory than packing_memory */
  PACKING_NO_MEMORY, /* an allocation failed */
  PACKING_REFUSED,   /* the library refuses the settings */
};

struct packing {
  const char *name;
  const char *suffix;         /* of a file's name, with the dot */
  const char *tar_suffix[2];  /* of a tar packed like this, in one word: ".tgz" */
  const char *unpacker;       /* the command that unpacks such a file, for messages */
  const char *large_unpacker; /* the same for one that needs much memory */
  bool (*begins)(const unsigned char *bytes, size_t size);

  void *(*decoder_new)(void);           /* NULL if memory is short */
  bool (*decoder_begin)(void *decoder); /* a member begins; false if memory is short */
  enum packing_step (*decode)(void *decoder, struct packing_buffers *buffers);
  void (*decoder_free)(void *decoder); /* may be given NULL */

  /* How many of these bytes are the first member; more than `size` if that many are needed to know
   * it; 0 if it can only be decoded to know it. NULL: always that. */
  size_t (*member_size)(const unsigned char *bytes, size_t size);

  int level; /* if the user gives none */
  void *(*encoder_new)(int level, int threads);
  enum packing_step (*encode)(void *encoder, struct packing_buffers *buffers);
  void (*encoder_free)(void *encoder);
};

/* The little-endian integer in these bytes, of which there are at most 8. */
uint64_t packing_integer(const unsigned char *bytes, size_t size);

/* How much memory a decoder may use: a quarter of the machine's, and at least 128 MiB, which is
 * enough for files packed with default settings (not zstd --long=28 and more). */
uint64_t packing_memory(void);

/* The packing that a stream with these first bytes has, or NULL if it has none. */
const struct packing *packing_of_bytes(const void *bytes, size_t size);

/* The packing that the name of a file states, or NULL. `*size` becomes the size of the name without
 * it. */
const struct packing *packing_of_name(const char *name, size_t *size);

/* Packing number `i` (from 0), or NULL. */
const struct packing *packing_number(size_t i);

#pragma GCC visibility pop

#endif
