/* checksum.h - CRC32C (RFC 3720, appendix B.4), as Google Cloud Storage gives it for every object
 *
 * https://cloud.google.com/storage/docs/data-validation: "x-goog-hash: crc32c=" carries the four
 * bytes in big-endian order, base64-encoded.
 */
#ifndef XCOMPLIANCE_CHECKSUM_H
#define XCOMPLIANCE_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

enum { CHECKSUM_TEXT = 9 }; /* eight characters and a NUL */

/* Extends the CRC32C `crc` of some bytes by `size` more bytes. That of no bytes is 0. */
uint32_t checksum_crc32c(uint32_t crc, const void *bytes, size_t size);

/* Writes `crc` as x-goog-hash does. */
void checksum_format(uint32_t crc, char text[CHECKSUM_TEXT]);

/* Reads what checksum_format writes. Returns false if `text` is anything else. */
bool checksum_read(const char *text, uint32_t *crc);

#pragma GCC visibility pop

#endif
