/* shapes.h - the places of tweets and users in records: one table for extraction and redaction
 *
 * A shape is text (docs/shapes.md): lines of HOLDER PATH ROLE. The built-in shapes and the user's
 * own are compiled together into one automaton. The walker of records (record.h) has a state for
 * each bracket that it enters; the key of a member, looked up among the words, gives the step: what
 * the value is, what it says about the object around it, and the state for its inside. A new shape,
 * key or position needs lines in shapes_builtin.c and no code.
 */
#ifndef XCOMPLIANCE_SHAPES_H
#define XCOMPLIANCE_SHAPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "dataset/text/json.h"
#include "error.h"

#pragma GCC visibility push(hidden)

/* The position of an object in its record. */
enum record_position {
  AT_ROOT,           /* the record itself */
  AT_ROOT_ELEMENT,   /* element of a record that is an array */
  AT_DATA,           /* the record's only item, as the object in `data` */
  AT_ITEM,           /* one of the record's items, as an element of `data` */
  AT_TWEET_ITEM,     /* the same, if it is a tweet: an element of `statuses` */
  AT_INCLUDED_TWEET, /* an additional tweet of a page, as an element of `includes.tweets` */
  AT_INCLUDED_USER,
  AT_RETWEETED,  /* the tweet that a tweet retweets */
  AT_QUOTED,     /* a tweet that a tweet quotes */
  AT_REFERENCE,  /* element of `referenced_tweets`: RECORD_NEITHER is a bare reference, RECORD_TWEET
                    one with a body */
  AT_POSTED,     /* a tweet in the object of its author, as `status` */
  AT_AUTHOR,     /* a tweet's author */
  AT_OTHER_USER, /* any other user in a tweet, as an element of `entities.mentions` */
  AT_NOWHERE,
};

/* Kinds of things in pages that tweets refer to by keys. */
enum shape_part { SHAPE_MEDIA, SHAPE_POLLS, SHAPE_PLACES };

enum shape_action {
  SHAPE_NONE,
  SHAPE_ID,                  /* of the object; argument: its rank */
  SHAPE_MAYBE_ID,            /* the same, but a value that is not an id is ignored */
  SHAPE_AUTHOR_ID,           /* of the tweet's author */
  SHAPE_VERSION_ID,          /* of another version of the tweet */
  SHAPE_RETWEETED_ID,        /* of the tweet that it retweets */
  SHAPE_RETWEETED_AUTHOR_ID, /* and of its author */
  SHAPE_OBJECT,              /* an object may be here; argument: enum record_position */
  SHAPE_INSIDE,              /* an object whose members count as those of the object around it */
  SHAPE_PLACE,               /* where a tweet was written */
  SHAPE_TYPE,                /* of a reference */
  SHAPE_PART,                /* element of a page; argument: enum shape_part */
  SHAPE_KEY,                 /* the key of the part around it */
  SHAPE_REFERS,              /* a key of a part; argument: enum shape_part */
};

/* What a member says about its object. */
enum { SHAPE_TWEET_MARK = 1, SHAPE_USER_MARK = 2 };

struct shape_step {
  uint8_t action, argument, mark;
  uint8_t state; /* for the inside of the value; 0: nothing in it means anything */
};

/* Numbers of words. Others are keys. */
enum { SHAPE_NO_WORD, SHAPE_ELEMENT, SHAPE_FIRST_KEY };

/* What a key says at any place. */
enum {
  SHAPE_KNOWN = 1,  /* ids in its value are known references */
  SHAPE_NOTICE = 2, /* it is part of messages and pages without content */
};

struct shape_word {
  uint64_t first, second; /* its bytes 0 to 7, and 8 to 15 */
  const char *text;       /* all of them, ended by zeros, eight or more */
  uint32_t size;
  uint16_t next; /* another word in the same slot of the table */
  uint8_t says;
};

/* Two tables of steps: for redaction, and for extraction, which looks for ids alone. */
enum { SHAPES_ALL, SHAPES_IDS, SHAPES_TABLES };
enum { SHAPES_SLOTS_BITS = 10, SHAPES_STATES_MAX = 255, SHAPES_PREFIXES_MAX = 16 };

struct shapes {
  uint64_t factor;
  uint16_t slots[1 << SHAPES_SLOTS_BITS]; /* words by their hashes */
  struct shape_word *words;
  struct shape_step *steps[SHAPES_TABLES]; /* [state * word_count + word] */
  uint32_t word_count, state_count;
  uint8_t starts[AT_NOWHERE + 1];    /* the state of an object by its position */
  bool cuts[SHAPES_STATES_MAX + 1];  /* whether it may hold something that redaction removes */
  bool holds[SHAPES_STATES_MAX + 1]; /* whether it is one of a page that holds tweets and users */
  const char *prefixes[SHAPES_PREFIXES_MAX]; /* that ids may have; NULL-ended */
  uint16_t id_word, number_word;             /* "id", "$numberLong" */
  void *memory;                              /* private */
};

/* The built-in shapes, in order; NULL after the last. */
struct shape_text {
  const char *name, *about, *text;
};
const struct shape_text *shapes_builtin(size_t i);

/* Compiles the built-in shapes, and those of the file `path` if it is not NULL. NULL with `error`
 * filled: ERROR_IO, ERROR_DATA (file and line), ERROR_MEMORY. */
struct shapes *shapes_new(const char *path, struct error *error);

/* The same from a text; `path` is its name in messages, and may be NULL. */
struct shapes *shapes_new_from(const char *text, const char *path, struct error *error);

void shapes_free(struct shapes *shapes); /* may be NULL */

/* At most eight bytes of a text as one number; there is padding after every text. */
static inline uint64_t shapes_eight_bytes(const char *text, size_t size) {
  uint64_t word;
  memcpy(&word, text, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap64(word);
#endif
  return size < 8 ? word & ~(UINT64_MAX << 8 * size) : word;
}

static inline uint32_t shapes_slot(const struct shapes *shapes, uint64_t first, size_t size) {
  return (uint32_t)((first + size) * shapes->factor >> (64 - SHAPES_SLOTS_BITS));
}

/* The number of the word that `text` is, or SHAPE_NO_WORD; for a text with escapes. */
uint32_t shapes_find_escaped(const struct shapes *shapes, struct json_text text);

/* Whether `text`, which has the length of the word and its first eight bytes, is the word. */
static inline bool shapes_is_word(const struct shape_word *word, const char *text, size_t size) {
  if (size <= 8) return true;
  if (word->second != shapes_eight_bytes(text + 8, size - 8)) return false;
  for (size_t at = 16; at < size; at += 8)
    if (shapes_eight_bytes(word->text + at, size - at) != shapes_eight_bytes(text + at, size - at))
      return false;
  return true;
}

/* The number of the word that `text` is, or SHAPE_NO_WORD. `text.escaped` need not be set. */
static inline __attribute__((always_inline)) uint32_t shapes_find(const struct shapes *shapes,
                                                                  struct json_text text) {
  uint64_t first = shapes_eight_bytes(text.text, text.size);
  uint32_t i = shapes->slots[shapes_slot(shapes, first, text.size)];
  for (; i != SHAPE_NO_WORD; i = shapes->words[i].next) {
    const struct shape_word *word = &shapes->words[i];
    if (word->first == first && word->size == text.size &&
        shapes_is_word(word, text.text, text.size))
      return i;
  }
  return json_has_escape(text.text, text.size) ? shapes_find_escaped(shapes, text) : SHAPE_NO_WORD;
}

#pragma GCC visibility pop

#endif
