/* utf16.h - UTF-16, as PowerShell and Excel write it, to UTF-8 and back
 *
 * Unpaired surrogates, which are not text, become three bytes each, so that the conversion back
 * gives the same bytes.
 */
#ifndef XCOMPLIANCE_UTF16_H
#define XCOMPLIANCE_UTF16_H

#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

enum encoding { ENCODING_UTF8, ENCODING_UTF16_LITTLE, ENCODING_UTF16_BIG };

/* What the byte order mark at the start of some bytes says; ENCODING_UTF8 if there is none. */
enum encoding utf16_of_mark(const void *bytes, size_t size);

/* Converts bytes to UTF-8: at most `3 * *size / 2` bytes, written to `to`. Returns how many;
 * `*size` becomes how many bytes were converted: the last may need more. `last`: there are no more.
 */
size_t utf16_decode(enum encoding encoding, const void *from, size_t *size, bool last, char *to);

/* Converts UTF-8 to at most `2 * *size` bytes, in the same way. */
size_t utf16_encode(enum encoding encoding, const char *from, size_t *size, void *to);

#pragma GCC visibility pop

#endif
