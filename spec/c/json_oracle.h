/* json_oracle.h - whether a text is JSON by RFC 8259, written as simply as possible
 *
 * The reference for json.c and its scanners: one byte at a time, one function for each rule.
 * `depth` is how many brackets may still be opened.
 */
#ifndef XCOMPLIANCE_JSON_ORACLE_H
#define XCOMPLIANCE_JSON_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct oracle {
  const unsigned char *at, *end;
};

static inline bool oracle_value(struct oracle *o, int depth);

static inline void oracle_space(struct oracle *o) {
  while (o->at < o->end && strchr(" \t\r\n", *o->at) && *o->at)
    o->at++;
}

static inline bool oracle_eat(struct oracle *o, int c) {
  if (o->at == o->end || *o->at != c) return false;
  o->at++;
  return true;
}

static inline int oracle_digits(struct oracle *o) {
  int count = 0;
  for (; o->at < o->end && *o->at >= '0' && *o->at <= '9'; o->at++)
    count++;
  return count;
}

static inline bool oracle_number(struct oracle *o) {
  oracle_eat(o, '-');
  if (!oracle_eat(o, '0') && oracle_digits(o) == 0) return false;
  if (oracle_eat(o, '.') && oracle_digits(o) == 0) return false;
  if (oracle_eat(o, 'e') || oracle_eat(o, 'E')) {
    if (!oracle_eat(o, '+')) oracle_eat(o, '-');
    if (oracle_digits(o) == 0) return false;
  }
  return true;
}

static inline bool oracle_string(struct oracle *o) {
  if (!oracle_eat(o, '"')) return false;
  while (o->at < o->end && *o->at != '"') {
    int c = *o->at++;
    if (c < 0x20) return false;
    if (c != '\\') continue;
    if (o->at == o->end || !*o->at || !strchr("\"\\/bfnrtu", *o->at)) return false;
    if (*o->at++ != 'u') continue;
    for (int i = 0; i < 4; i++, o->at++)
      if (o->at == o->end || !*o->at || !strchr("0123456789abcdefABCDEF", *o->at)) return false;
  }
  return oracle_eat(o, '"');
}

static inline bool oracle_items(struct oracle *o, int close, int depth) {
  oracle_space(o);
  if (oracle_eat(o, close)) return true;
  do {
    oracle_space(o);
    if (close == '}') {
      if (!oracle_string(o)) return false;
      oracle_space(o);
      if (!oracle_eat(o, ':')) return false;
    }
    if (!oracle_value(o, depth)) return false;
  } while (oracle_eat(o, ','));
  return oracle_eat(o, close);
}

static inline bool oracle_word(struct oracle *o, const char *word) {
  size_t size = strlen(word);
  if ((size_t)(o->end - o->at) < size || memcmp(o->at, word, size) != 0) return false;
  o->at += size;
  return true;
}

/* With the white space around it. */
static inline bool oracle_value(struct oracle *o, int depth) {
  bool good;
  oracle_space(o);
  if (o->at < o->end && *o->at == '"')
    good = oracle_string(o);
  else if (oracle_eat(o, '{'))
    good = depth > 0 && oracle_items(o, '}', depth - 1);
  else if (oracle_eat(o, '['))
    good = depth > 0 && oracle_items(o, ']', depth - 1);
  else
    good = oracle_word(o, "true") || oracle_word(o, "false") || oracle_word(o, "null") ||
           oracle_number(o);
  oracle_space(o);
  return good;
}

static inline bool oracle_is_json(const char *text, size_t size, int depth) {
  struct oracle o = {(const unsigned char *)text, (const unsigned char *)text + size};
  return oracle_value(&o, depth) && o.at == o.end;
}

#endif
