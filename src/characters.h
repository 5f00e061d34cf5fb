/* characters.h - the few classes of characters that formats share; no locale changes them */
#ifndef XCOMPLIANCE_CHARACTERS_H
#define XCOMPLIANCE_CHARACTERS_H

#include <stdbool.h>

static inline bool is_digit(char c) {
  return (unsigned char)(c - '0') < 10;
}

/* White space within a line. */
static inline bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

/* The white space of JSON. */
static inline bool is_white(char c) {
  return is_blank(c) || c == '\n';
}

#endif
