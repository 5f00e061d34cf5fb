/* json_scan.h - the first stage of json.h: the structural bytes of a text
 *
 * Structural are the bytes {}[]:, outside of strings, opening quotes, and the first byte of each
 * run of anything else but white space outside of strings (a number or a literal, if it is JSON).
 * On the way it checks what is inside of strings: escapes, and that there are no control
 * characters.
 *
 * There are several scanners with the same result: for AVX-512, AVX2, for sixteen bytes at a time
 * (SSE2, NEON), and one that works byte by byte, for other machines and for fuzzers to compare the
 * others with.
 */
#ifndef XCOMPLIANCE_JSON_SCAN_H
#define XCOMPLIANCE_JSON_SCAN_H

#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

enum json_scanner { JSON_PORTABLE, JSON_16, JSON_AVX2, JSON_AVX512 };

/* The best scanner of this machine; it also supports all that come before it. */
enum json_scanner json_scanner(void);

/* The state between one piece of the text and the next; all zero at the start. */
struct json_scan {
  uint64_t in_string; /* all ones inside of a string */
  uint64_t escaped;   /* 1 after a backslash */
  uint64_t hex;       /* bit i: a hexadecimal digit is due i bytes ahead */
  uint64_t run;       /* 1 within a run */
};

enum {
  JSON_SCAN_BLOCK = 64, /* bytes scanned at a time; as many must be readable after the text */
  JSON_SCAN_SLACK = 16, /* places that are written to after the last offset */
};

/* Scans text[start .. end), where `end - start` is a multiple of JSON_SCAN_BLOCK or `end` the end
 * of the text, and writes the offsets of the structural bytes to `index`, which has room for `end -
 * start + JSON_SCAN_SLACK` of them. Returns after the last one. `*bad` is the offset of the first
 * byte that breaks a rule, or `end`. */
uint32_t *json_scan(enum json_scanner scanner, struct json_scan *scan, const char *text,
                    size_t start, size_t end, uint32_t *index, size_t *bad);

#pragma GCC visibility pop

#endif
