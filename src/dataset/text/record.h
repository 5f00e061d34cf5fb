/* record.h - the tweets and users in a record
 *
 * One walker for both extraction and redaction. It goes once through a record (a JSON object, or an
 * array of such), checks all of it (json.h), follows the shapes (shapes.h), and fills arrays that
 * are used again for the next one:
 *
 *   objects  every object at a place where a tweet or a user may be, parents before children
 *   ids      every id that these objects have, by role
 *   parts    (not with RECORD_IDS) bytes that redaction may have to cut, besides whole objects
 *   lists    (not with RECORD_IDS) the brackets that hold them
 *   keys     (not with RECORD_IDS) names of media, polls and places: who refers, who is referred to
 *
 * An object is a tweet if it has an id and a member that the shapes call a mark of tweets; a user
 * if it has an id and a mark of users, and is not a tweet. Its kind is known only at its end, so
 * objects that are neither (a bare reference, a user with only an id) are in the array too, as
 * RECORD_NEITHER. Objects inside something that turns out not to be able to hold them are
 * RECORD_NEITHER and AT_NOWHERE, and have no ids.
 *
 * Fail-safe rules. A key that appears twice counts twice: both ids are ids of the object, both
 * objects are walked. Keys may be written with escapes. Of several ids those of the highest rank
 * count; null is treated as absent. If a value that counts as an id, or an element of an edit
 * history, is not an id, the record is malformed; so is a record with a tweet whose only id is
 * null.
 *
 * All offsets are bytes from the start of the record's text.
 */
#ifndef XCOMPLIANCE_RECORD_H
#define XCOMPLIANCE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataset/bytes/reader.h"
#include "dataset/text/json.h"
#include "dataset/text/shapes.h"
#include "error.h"
#include "task.h"

#pragma GCC visibility push(hidden)

enum record_kind { RECORD_NEITHER, RECORD_TWEET, RECORD_USER };

/* What a record is. */
enum record_class {
  RECORD_RECOGNISED,   /* there is a tweet or a user in it (in each element of an array) */
  RECORD_NOTICE,       /* a message or a page without content */
  RECORD_UNRECOGNISED, /* anything else */
};

enum { RECORD_NONE = 0xffffffff }; /* no such index, no such offset */

/* A member of an object or an element of an array, as redaction cuts it. A member begins at its
 * key. To cut items out of one list: an item is removed with its `comma_after` if no item before it
 * in its list stays, else with its `comma_before`. */
struct record_place {
  uint32_t start, end;
  uint32_t comma_before, comma_after; /* RECORD_NONE for the first, for the last */
  uint32_t list;                      /* the brackets that hold it: index in lists */
  uint32_t ordinal;                   /* its number among the items of that list, from 0 */
};

struct record_list {
  uint32_t open, end; /* offset of the bracket; offset after the closing one */
  uint32_t items;     /* how many it holds */
};

struct record_object {
  enum record_kind kind;
  enum record_position position;
  uint32_t parent;     /* the object that holds it; RECORD_NONE if none does. For an element of a
                        * page (`data`, `includes`, `statuses`): the page, AT_ROOT */
  uint32_t start, end; /* the value: from brace to after the brace */
  uint64_t id;         /* one of its own ids; 0: it has none, or is RECORD_NEITHER */
  bool retweet;        /* AT_REFERENCE: its type is "retweeted" */
  uint8_t marks, rank; /* private */
  struct record_place place; /* not with RECORD_IDS; `list` is RECORD_NONE AT_ROOT */
};

enum record_role {
  ID_OWN,          /* of the object itself */
  ID_EDIT_HISTORY, /* of a tweet: other versions of it (not with RECORD_IDS) */
  ID_AUTHOR,    /* of a tweet: who wrote it. Ids of authors; else those of the objects of authors. A
                   user's `status` without either is by that user, whose own ids say so */
  ID_RETWEETED, /* of the tweet that it retweets, if only its id is there */
  ID_RETWEETED_AUTHOR, /* and of that one's author */
  ID_KNOWN,            /* does not count, but is at a place for ids (not with RECORD_IDS) */
};

struct record_id {
  uint64_t id;
  uint32_t object; /* index in objects; the ids of one object need not be adjacent */
  uint32_t role;   /* enum record_role */
  uint32_t at;     /* offset of its text (of the string's first digit) */
};

enum record_part_kind {
  PART_GEO,             /* member `geo`, `coordinates` or `place` of a tweet */
  PART_REFERENCE_TYPE,  /* members of a reference: `type`, */
  PART_REFERENCE_ID,    /* `id`, */
  PART_REFERENCE_OTHER, /* any other */
  PART_MEDIA,           /* element of `includes.media`; its `key` is its `media_key` */
  PART_POLL,            /* element of `includes.polls`; `id` */
  PART_PLACE,           /* element of `includes.places`; `id` */
  /* in the order of enum shape_part */
};

struct record_part {
  enum record_part_kind kind;
  uint32_t object; /* the tweet, the reference, the page */
  struct record_text {
    uint32_t start, size;
    bool escaped;
  } key; /* PART_MEDIA, _POLL, _PLACE */
  struct record_place place;
};

/* A tweet refers to a media, poll or place. `kind` is the kind of part that it refers to. */
struct record_key {
  enum record_part_kind kind;
  uint32_t object;
  struct record_text key;
};

enum { RECORD_ALL = 0, RECORD_IDS = 1 };

struct record {
  struct record_object *objects;
  struct record_id *ids;
  struct record_part *parts;
  struct record_list *lists;
  struct record_key *keys;
  uint32_t object_count, id_count, part_count, list_count, key_count;
  struct task *task; /* checked for cancellation; NULL at first: never */
  enum record_class class;
  uint32_t lost;           /* RECORD_UNRECOGNISED: offset of the object in which nothing was
                            * found */
  uint32_t without_author; /* tweets without an author in the record */
  /* private */
  uint32_t object_room, id_room, part_room, list_room, key_room;
  const struct shapes *shapes;
  const struct shape_step *steps;
  uint32_t word_count;
  uint8_t level; /* how many objects around have members that count as those of another */
  bool ids_only, no_memory;
  enum json_scanner scanner;
  uint32_t bad_id; /* index in ids, or RECORD_NONE */
  struct json json;
};

/* Makes a walker; `flags` is RECORD_ALL or RECORD_IDS. The shapes must outlive it. NULL if memory
 * is short. */
struct record *record_new(const struct shapes *shapes, int flags);
void record_free(struct record *record);

/* Walks one record that reader_next gave, of the file `path`. Returns false with `error` filled if
 * it is not a record (ERROR_DATA, with line and byte), memory is short (ERROR_MEMORY), or the task
 * was cancelled. */
bool record_walk(struct record *record, const char *path, const struct reader_record *text,
                 struct error *error);

/* A text of the record walked last, as json.h takes it. */
struct json_text record_text(const struct reader_record *text, struct record_text place);

#pragma GCC visibility pop

#endif
