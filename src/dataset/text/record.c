/* record.c - see record.h
 *
 * At each object the walk knows only its place: a state of the shapes. It notes what it sees - ids,
 * marks of tweets and users, objects at places where such may be - and resolves it when the record
 * has ended: parents come before their children, so one pass over the objects decides what each of
 * them is, and one over the ids which of them count.
 */
#include "dataset/text/record.h"

#include <stdlib.h>
#include <string.h>

#include "dataset/text/id.h"
#include "dataset/text/notice.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))

enum { FIRST_ROOM = 64, PENDING_MAX = 3 };

/* What was seen in an object. */
enum {
  SAW_TWEET_MARK = SHAPE_TWEET_MARK, /* a member that makes it a tweet */
  SAW_USER_MARK = SHAPE_USER_MARK,   /* a member that makes it a user */
  SAW_ID = 4,                        /* an id that is not null */
  SAW_NULL_ID = 8,                   /* one that is null */
  SAW_AUTHOR = 16,                   /* an author's id; when resolved: any author */
};

/* An id of an object has this role and its rank until the ids are resolved. */
enum { ID_BY_RANK = 16, RANKS = 8, LEVELS = 30 };

/* Arrays that grow */

/* Makes room for one more thing than `count`. If memory is short the last one is overwritten, and
 * the walk, which cannot stop in the middle, ends in an error. */
static __attribute__((noinline)) void grow(struct record *r, void **things, uint32_t *count,
                                           uint32_t *room, size_t size) {
  uint32_t larger = 2 * *room;
  void *moved = realloc(*things, larger * size);
  if (moved) {
    *things = moved;
    *room = larger;
  } else {
    r->no_memory = true;
    --*count;
  }
}

static ALWAYS_INLINE void *more(struct record *r, void **things, uint32_t *count, uint32_t *room,
                                size_t size) {
  if (__builtin_expect(*count == *room, 0)) grow(r, things, count, room, size);
  return memset((char *)*things + (*count)++ * size, 0, size);
}

#define MORE(r, name)                                                                              \
  more(r, (void **)&r->name##s, &r->name##_count, &r->name##_room, sizeof *r->name##s)

/* Places */

/* The items of one bracket, as the walk goes along them. */
struct items {
  uint32_t list, ordinal;
  uint32_t start, comma;  /* of the item that the walk is at, and the comma before it */
  uint32_t pending_count; /* places of this item: their comma_after is not known yet */
  struct {
    bool part; /* else an object */
    uint32_t index;
  } pending[PENDING_MAX];
};

static struct record_place *pending_place(struct record *r, const struct items *items, uint32_t i) {
  uint32_t index = items->pending[i].index;
  return items->pending[i].part ? &r->parts[index].place : &r->objects[index].place;
}

/* Goes into the bracket at a place, from which something may be cut. */
static inline json_at enter(struct record *r, json_at at, struct items *items) {
  struct record_list *list = MORE(r, list);
  list->open = *at;
  items->list = r->list_count - 1;
  items->ordinal = RECORD_NONE;
  items->pending_count = 0;
  return json_open(&r->json, at);
}

/* The places of the item that the walk has passed end with the comma before the next one. */
static __attribute__((noinline)) void set_commas_after(struct record *r, struct items *items,
                                                       uint32_t comma) {
  for (uint32_t i = 0; i < items->pending_count; i++)
    pending_place(r, items, i)->comma_after = comma;
  items->pending_count = 0;
}

/* The walk goes to the next item, or past the last; `separator` is before it. */
static ALWAYS_INLINE void step(struct record *r, struct items *items, bool is_more,
                               uint32_t separator, uint32_t start) {
  items->ordinal++;
  items->start = start;
  items->comma = items->ordinal == 0 ? RECORD_NONE : separator;
  if (!is_more) {
    r->lists[items->list].items = items->ordinal;
    r->lists[items->list].end = separator + 1;
  } else if (items->pending_count > 0) {
    set_commas_after(r, items, separator);
  }
}

/* Goes to the first or next item of a bracket; false after the last. */
static ALWAYS_INLINE bool next_item(struct record *r, json_at *at, struct items *items, bool first,
                                    char close) {
  uint32_t separator = **at;
  bool is_more = first ? json_first(&r->json, at, close) : json_next(&r->json, at, close);
  if (r->json.problem) return false;
  step(r, items, is_more, separator, **at);
  return is_more;
}

/* The same if nothing can be cut from it. */
static ALWAYS_INLINE bool next_plain(struct record *r, json_at *at, bool first, char close) {
  bool is_more = first ? json_first(&r->json, at, close) : json_next(&r->json, at, close);
  return is_more && !r->json.problem;
}

#define FOR_EACH(r, at, items, close)                                                              \
  for (bool is_more = next_item(r, &at, items, true, close); is_more;                              \
       is_more = next_item(r, &at, items, false, close))
#define FOR_EACH_PLAIN(r, at, close)                                                               \
  at = json_open(&(r)->json, at);                                                                  \
  for (bool is_more = next_plain(r, &at, true, close); is_more;                                    \
       is_more = next_plain(r, &at, false, close))

/* The place of the item that the walk is at, for the object or part `index`. Its end is set by
 * end_place when the walk has passed it. */
static struct record_place begin_place(struct items *items, bool part, uint32_t index) {
  struct record_place place = {.start = items->start,
                               .comma_before = items->comma,
                               .comma_after = RECORD_NONE,
                               .list = items->list,
                               .ordinal = items->ordinal};
  if (items->pending_count < PENDING_MAX) {
    items->pending[items->pending_count].part = part;
    items->pending[items->pending_count++].index = index;
  }
  return place;
}

static uint32_t begin_part(struct record *r, enum record_part_kind kind, uint32_t object,
                           struct items *items) {
  struct record_part *part = MORE(r, part);
  part->kind = kind;
  part->object = object;
  part->place = begin_place(items, true, r->part_count - 1);
  return r->part_count - 1;
}

static void end_part(struct record *r, json_at at, uint32_t part) {
  r->parts[part].place.end = (uint32_t)json_end_at(&r->json, at);
}

static struct record_text text_at(const struct record *r, struct json_text text) {
  return (struct record_text){(uint32_t)(text.text - r->json.text), (uint32_t)text.size,
                              text.escaped};
}

static inline json_at pass(struct record *r, json_at at) {
  return json_pass(&r->json, at);
}

static inline bool is_at(const struct record *r, json_at at, char c) {
  return json_byte(&r->json, at) == c;
}

/* Ids */

static uint64_t parse_plain(struct json_text text) {
  char decoded[ID_TEXT_MAX];
  uint64_t id;
  if (!text.escaped) return id_read(text.text, &id) == text.size ? id : 0;
  text.size = json_decode(text, decoded, sizeof decoded);
  return id_parse(decoded, text.size);
}

/* Ids may have a prefix: "tag:search.twitter.com,2005:1". */
static __attribute__((noinline)) uint64_t parse_prefixed(const struct record *r,
                                                         struct json_text text) {
  char decoded[128 + 8] = {0};
  size_t size = json_decode(text, decoded, 128);
  for (size_t i = 0; r->shapes->prefixes[i] && size <= 128; i++) {
    size_t prefix = strlen(r->shapes->prefixes[i]);
    if (size > prefix && memcmp(decoded, r->shapes->prefixes[i], prefix) == 0)
      return id_parse(decoded + prefix, size - prefix);
  }
  return 0;
}

static inline uint64_t parse(const struct record *r, struct json_text text) {
  uint64_t id = parse_plain(text);
  return id ? id : parse_prefixed(r, text);
}

/* MongoDB writes {"$numberLong":"1"} for 1. Gives the number; the text is empty if it is not a
 * number. */
static __attribute__((noinline)) json_at take_number(struct record *r, json_at at,
                                                     struct json_text *text) {
  at = json_open(&r->json, at);
  for (bool more = json_first(&r->json, &at, '}'); more && !r->json.problem;
       more = json_next(&r->json, &at, '}')) {
    struct json_text key;
    at = json_key(&r->json, at, &key);
    if (shapes_find(r->shapes, key) == r->shapes->number_word && is_at(r, at, '"'))
      at = json_take(&r->json, at, text);
    else
      at = pass(r, at);
  }
  return at;
}

/* Notes the value at a place as an id of `object`; `*noted` is false for null. A value that is not
 * an id becomes 0, which is refused if it turns out to count. With `lenient` it is not noted. */
static inline json_at add_id(struct record *r, json_at at, uint32_t object, uint32_t role,
                             bool lenient, bool *noted) {
  enum json_type type = json_type_at(&r->json, at);
  struct json_text text = {"", 0, false};
  struct record_id *id;
  uint32_t start = *at + (type == JSON_STRING);
  uint64_t value;
  if (__builtin_expect(type == JSON_STRING || type == JSON_NUMBER, 1))
    at = json_take(&r->json, at, &text);
  else if (type == JSON_OBJECT)
    at = take_number(r, at, &text);
  else
    at = pass(r, at);
  *noted = false;
  if (type == JSON_NULL || r->json.problem) return at;
  value = text.size > 0 ? parse(r, text) : 0;
  if (lenient && !value) return at;
  *noted = true;
  id = MORE(r, id);
  id->object = object;
  id->role = role;
  id->at = start;
  id->id = value;
  return at;
}

static inline json_at add_own_id(struct record *r, json_at at, uint32_t object, uint8_t rank,
                                 bool lenient) {
  bool noted;
  rank = (uint8_t)(rank + RANKS * r->level);
  at = add_id(r, at, object, ID_BY_RANK + (uint32_t)rank, lenient, &noted);
  if (noted) {
    struct record_object *of = &r->objects[object];
    of->marks |= SAW_ID;
    if (rank > of->rank) of->rank = rank;
  } else {
    r->objects[object].marks |= lenient ? 0 : SAW_NULL_ID;
  }
  return at;
}

static json_at add_author_id(struct record *r, json_at at, uint32_t object) {
  bool noted;
  at = add_id(r, at, object, ID_AUTHOR, false, &noted);
  r->objects[object].marks |= noted ? SAW_AUTHOR : 0;
  return at;
}

/* Values */

/* What the value at a place belongs to. */
struct holder {
  uint32_t object; /* the object around it */
  uint32_t part;   /* the part of a page around it, or RECORD_NONE */
  struct items *items;
};

static json_at walk_value(struct record *r, json_at at, struct shape_step step,
                          const struct holder *holder);

/* One member: its key, and its value. Most keys mean nothing. */
static ALWAYS_INLINE json_at walk_member(struct record *r, json_at at,
                                         const struct shape_step *steps,
                                         const struct holder *holder) {
  struct json_text key;
  struct shape_step step;
  at = json_key(&r->json, at, &key);
  step = steps[shapes_find(r->shapes, key)];
  if (step.action != SHAPE_NONE || step.state != 0) return walk_value(r, at, step, holder);
  if (step.mark) r->objects[holder->object].marks |= step.mark;
  return pass(r, at);
}

/* The members of an object, which belong to the object `index`. */
static json_at walk_members(struct record *r, json_at at, uint8_t state, uint32_t index,
                            uint32_t part) {
  const struct shape_step *steps = r->steps + state * r->word_count;
  if (!r->ids_only && r->shapes->cuts[state]) {
    struct items items;
    struct holder holder = {index, part, &items};
    at = enter(r, at, &items);
    FOR_EACH(r, at, &items, '}') at = walk_member(r, at, steps, &holder);
  } else {
    struct holder holder = {index, part, NULL};
    FOR_EACH_PLAIN(r, at, '}') at = walk_member(r, at, steps, &holder);
  }
  return at;
}

static json_at walk_elements(struct record *r, json_at at, uint8_t state, uint32_t index) {
  struct shape_step step = r->steps[state * r->word_count + SHAPE_ELEMENT];
  if (!r->ids_only && r->shapes->cuts[state]) {
    struct items items;
    struct holder holder = {index, RECORD_NONE, &items};
    at = enter(r, at, &items);
    FOR_EACH(r, at, &items, ']') at = walk_value(r, at, step, &holder);
  } else {
    struct holder holder = {index, RECORD_NONE, NULL};
    FOR_EACH_PLAIN(r, at, ']') at = walk_value(r, at, step, &holder);
  }
  return at;
}

/* The inside of a value that is not an object of its own. */
static json_at walk_inside(struct record *r, json_at at, uint8_t state, uint32_t index,
                           uint32_t part) {
  if (state != 0 && is_at(r, at, '{')) return walk_members(r, at, state, index, part);
  if (state != 0 && is_at(r, at, '[')) return walk_elements(r, at, state, index);
  return pass(r, at);
}

/* An object whose members count as members of the object around it; of ids, the innermost count. */
static json_at walk_wrapped(struct record *r, json_at at, struct shape_step step, uint32_t index) {
  if (!is_at(r, at, '{') || r->level == LEVELS) return pass(r, at);
  r->level++;
  at = walk_members(r, at, step.state, index, RECORD_NONE);
  r->level--;
  return at;
}

static json_at walk_type(struct record *r, json_at at, uint32_t object) {
  struct json_text text;
  if (!is_at(r, at, '"')) return pass(r, at);
  at = json_take(&r->json, at, &text);
  if (json_is(text, "retweeted")) r->objects[object].retweet = true;
  return at;
}

/* A string by which a part of a page is known. */
static json_at walk_key(struct record *r, json_at at, uint32_t part) {
  struct json_text text;
  if (part == RECORD_NONE || !is_at(r, at, '"')) return pass(r, at);
  at = json_take(&r->json, at, &text);
  if (!r->json.problem) r->parts[part].key = text_at(r, text);
  return at;
}

/* A string by which a tweet refers to such a part. */
static json_at walk_refers(struct record *r, json_at at, enum record_part_kind kind,
                           uint32_t object) {
  struct json_text text;
  struct record_key *key;
  if (!is_at(r, at, '"')) return pass(r, at);
  at = json_take(&r->json, at, &text);
  if (r->json.problem) return at;
  key = MORE(r, key);
  key->kind = kind;
  key->object = object;
  key->key = text_at(r, text);
  return at;
}

static json_at walk_part(struct record *r, json_at at, struct shape_step step,
                         enum record_part_kind kind, const struct holder *holder) {
  uint32_t part = begin_part(r, kind, holder->object, holder->items);
  at = walk_inside(r, at, step.state, holder->object, part);
  end_part(r, at, part);
  return at;
}

static json_at walk_object(struct record *r, json_at at, enum record_position position,
                           uint32_t parent, struct items *items);

static json_at walk_value(struct record *r, json_at at, struct shape_step step,
                          const struct holder *holder) {
  uint32_t object = holder->object;
  bool noted;
  if (step.action != SHAPE_INSIDE || !is_at(r, at, '{')) /* twint's "tweet" is a text */
    r->objects[object].marks |= step.mark;
  switch (step.action) {
  case SHAPE_NONE: return walk_inside(r, at, step.state, object, holder->part);
  case SHAPE_ID: return add_own_id(r, at, object, step.argument, false);
  case SHAPE_MAYBE_ID: return add_own_id(r, at, object, step.argument, true);
  case SHAPE_AUTHOR_ID: return add_author_id(r, at, object);
  case SHAPE_VERSION_ID: return add_id(r, at, object, ID_EDIT_HISTORY, false, &noted);
  case SHAPE_RETWEETED_ID: return add_id(r, at, object, ID_RETWEETED, true, &noted);
  case SHAPE_RETWEETED_AUTHOR_ID: return add_id(r, at, object, ID_RETWEETED_AUTHOR, true, &noted);
  case SHAPE_INSIDE: return walk_wrapped(r, at, step, object);
  case SHAPE_PLACE: return walk_part(r, at, step, PART_GEO, holder);
  case SHAPE_TYPE: return walk_type(r, at, object);
  case SHAPE_PART:
    return walk_part(r, at, step, (enum record_part_kind)(PART_MEDIA + step.argument), holder);
  case SHAPE_KEY: return walk_key(r, at, holder->part);
  case SHAPE_REFERS:
    return walk_refers(r, at, (enum record_part_kind)(PART_MEDIA + step.argument), object);
  default:
    if (!is_at(r, at, '{')) return walk_inside(r, at, step.state, object, RECORD_NONE);
    return walk_object(r, at, (enum record_position)step.argument, object, holder->items);
  }
}

/* Objects */

/* A reference: only its members `type` and `id` may stay. */
static json_at walk_reference(struct record *r, json_at at, uint32_t index) {
  const struct shape_step *steps = r->steps + r->shapes->starts[AT_REFERENCE] * r->word_count;
  struct items items;
  struct holder holder = {index, RECORD_NONE, &items};
  at = enter(r, at, &items);
  FOR_EACH(r, at, &items, '}') {
    struct json_text key;
    enum record_part_kind kind = PART_REFERENCE_OTHER;
    uint32_t word, part;
    at = json_key(&r->json, at, &key);
    word = shapes_find(r->shapes, key);
    if (steps[word].action == SHAPE_TYPE) kind = PART_REFERENCE_TYPE;
    if (word == r->shapes->id_word) kind = PART_REFERENCE_ID;
    part = begin_part(r, kind, index, &items);
    at = walk_value(r, at, steps[word], &holder);
    end_part(r, at, part);
  }
  return at;
}

static json_at walk_object(struct record *r, json_at at, enum record_position position,
                           uint32_t parent, struct items *items) {
  struct record_object *object = MORE(r, object);
  uint32_t index = r->object_count - 1;
  uint8_t level = r->level;
  object->position = position;
  object->parent = parent;
  object->start = *at;
  object->place.list = RECORD_NONE;
  if (items) object->place = begin_place(items, false, index);
  r->level = 0;
  at = position == AT_REFERENCE && !r->ids_only
           ? walk_reference(r, at, index)
           : walk_members(r, at, r->shapes->starts[position], index, RECORD_NONE);
  r->level = level;
  object = &r->objects[index]; /* the array may have moved */
  object->end = object->place.end = (uint32_t)json_end_at(&r->json, at);
  return at;
}

static json_at walk_root_array(struct record *r, json_at at) {
  struct items items;
  at = enter(r, at, &items);
  FOR_EACH(r, at, &items, ']')
  at = is_at(r, at, '{') ? walk_object(r, at, AT_ROOT_ELEMENT, RECORD_NONE, &items)
                         : json_fail(&r->json, at, "an object was expected");
  return at;
}

static void walk_root(struct record *r) {
  json_at at = r->json.at;
  if (is_at(r, at, '{'))
    at = walk_object(r, at, AT_ROOT, RECORD_NONE, NULL);
  else if (is_at(r, at, '['))
    at = walk_root_array(r, at);
  else
    at = json_fail(&r->json, at, "an object was expected");
  r->json.at = at;
}

/* The result */

/* Which kinds of things may be at a position. */
static bool may_be_tweet(enum record_position position) {
  switch (position) {
  case AT_INCLUDED_USER:
  case AT_AUTHOR:
  case AT_OTHER_USER:
  case AT_NOWHERE: return false;
  default: return true;
  }
}

static bool may_be_user(enum record_position position) {
  switch (position) {
  case AT_ROOT:
  case AT_ROOT_ELEMENT:
  case AT_DATA:
  case AT_ITEM:
  case AT_INCLUDED_USER:
  case AT_AUTHOR:
  case AT_OTHER_USER: return true;
  default: return false;
  }
}

/* Whether the parent turned out to be something that may hold such an object. */
static bool is_held(const struct record *r, const struct record_object *object) {
  switch (object->position) {
  case AT_RETWEETED:
  case AT_QUOTED:
  case AT_REFERENCE:
  case AT_AUTHOR:
  case AT_OTHER_USER: return r->objects[object->parent].kind == RECORD_TWEET;
  case AT_POSTED: return r->objects[object->parent].kind == RECORD_USER;
  default: return true;
  }
}

static enum record_kind kind_of(const struct record_object *object) {
  uint8_t marks = object->marks;
  if ((marks & SAW_TWEET_MARK) && (marks & (SAW_ID | SAW_NULL_ID)))
    return may_be_tweet(object->position) ? RECORD_TWEET : RECORD_NEITHER;
  if ((marks & SAW_USER_MARK) && (marks & SAW_ID) && may_be_user(object->position))
    return RECORD_USER;
  return RECORD_NEITHER;
}

static void resolve_objects(struct record *r) {
  for (uint32_t i = 0; i < r->object_count; i++) {
    struct record_object *object = &r->objects[i];
    if (!is_held(r, object)) object->position = AT_NOWHERE;
    object->kind = kind_of(object);
  }
}

/* Whether an id in it may be the id of something that is elsewhere, if anywhere: a reference. */
static bool may_be_bare(enum record_position position) {
  return position >= AT_RETWEETED && position < AT_NOWHERE;
}

/* The role that an id turns out to have; -1 if it counts for nothing. */
static int role_of(const struct record *r, const struct record_object *object, uint32_t role) {
  bool named = object->kind != RECORD_NEITHER || object->position == AT_REFERENCE ||
               object->position == AT_AUTHOR;
  if (named && role == ID_BY_RANK + (uint32_t)object->rank) return ID_OWN;
  if (role < ID_BY_RANK && object->kind == RECORD_TWEET) return (int)role;
  return !r->ids_only && (named || may_be_bare(object->position)) ? ID_KNOWN : -1;
}

static void resolve_ids(struct record *r) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < r->id_count; i++) {
    struct record_id id = r->ids[i];
    struct record_object *object = &r->objects[id.object];
    int role = role_of(r, object, id.role);
    if (role < 0) continue;
    id.role = (uint32_t)role;
    if (role == ID_OWN) object->id = id.id;
    if (id.id == 0 && role != ID_KNOWN && r->bad_id == RECORD_NONE) r->bad_id = kept;
    r->ids[kept++] = id;
  }
  r->id_count = kept;
}

static void add_author(struct record *r, uint32_t tweet, const struct record_id *id) {
  struct record_id author = {id->id, tweet, ID_AUTHOR, id->at};
  struct record_id *added = MORE(r, id);
  *added = author;
}

/* Tweets without an id of their author have the authors that are in them as objects. */
static void resolve_authors(struct record *r) {
  uint32_t count = r->id_count;
  for (uint32_t i = 0; i < count; i++) {
    const struct record_object *holder = &r->objects[r->ids[i].object];
    if (holder->position != AT_AUTHOR || r->ids[i].role != ID_OWN) continue;
    if (!(r->objects[holder->parent].marks & SAW_AUTHOR)) add_author(r, holder->parent, &r->ids[i]);
  }
  for (uint32_t i = count; i < r->id_count; i++)
    r->objects[r->ids[i].object].marks |= SAW_AUTHOR;
}

/* Classes */

/* Whether the object that begins at `start` has no content; no tweet or user was found in it. */
static bool is_notice(struct record *r, const struct reader_record *text, uint32_t start) {
  return notice_is(r->shapes, &r->json, text->text + start, text->size - start);
}

/* Decides about the record, or the element of an array, at `object`. */
static void classify(struct record *r, const struct reader_record *text,
                     const struct record_object *object, bool found) {
  if (found) {
    if (r->class == RECORD_NOTICE) r->class = RECORD_RECOGNISED;
  } else if (r->class != RECORD_UNRECOGNISED && !is_notice(r, text, object->start)) {
    r->class = RECORD_UNRECOGNISED;
    r->lost = object->start;
  }
}

static void resolve_class(struct record *r, const struct reader_record *text) {
  const struct record_object *root = NULL;
  bool found = false;
  r->class = RECORD_NOTICE;
  r->without_author = 0;
  for (uint32_t i = 0; i < r->object_count; i++) {
    const struct record_object *object = &r->objects[i];
    if (object->parent == RECORD_NONE) {
      if (root) classify(r, text, root, found);
      root = object;
      found = false;
    }
    if (object->kind == RECORD_NEITHER) continue;
    found = true;
    if (object->kind == RECORD_TWEET && object->position != AT_POSTED &&
        !(object->marks & SAW_AUTHOR))
      r->without_author++;
  }
  if (root) classify(r, text, root, found);
}

/* Public */

struct record *record_new(const struct shapes *shapes, int flags) {
  struct record *r = calloc(1, sizeof *r);
  if (!r) return NULL;
  r->ids_only = flags & RECORD_IDS;
  r->shapes = shapes;
  r->steps = shapes->steps[r->ids_only ? SHAPES_IDS : SHAPES_ALL];
  r->word_count = shapes->word_count;
  r->scanner = json_scanner();
  r->object_room = r->id_room = r->part_room = r->list_room = r->key_room = FIRST_ROOM;
  r->objects = calloc(FIRST_ROOM, sizeof *r->objects);
  r->ids = calloc(FIRST_ROOM, sizeof *r->ids);
  r->parts = calloc(FIRST_ROOM, sizeof *r->parts);
  r->lists = calloc(FIRST_ROOM, sizeof *r->lists);
  r->keys = calloc(FIRST_ROOM, sizeof *r->keys);
  if (r->objects && r->ids && r->parts && r->lists && r->keys) return r;
  record_free(r);
  return NULL;
}

void record_free(struct record *r) {
  if (!r) return;
  free(r->objects);
  free(r->ids);
  free(r->parts);
  free(r->lists);
  free(r->keys);
  free(r);
}

/* Fails at `at` of the record. */
static bool fail_at(const char *path, const struct reader_record *text, size_t at,
                    const char *problem, struct error *error) {
  uint64_t line = text->line;
  for (size_t i = 0; i < at && i < text->size; i++)
    line += text->text[i] == '\n';
  error_at(error, ERROR_DATA, path, line, text->byte + at, "%s", problem);
  return false;
}

static bool refuse_id(const struct record *r, const char *path, const struct reader_record *text,
                      struct error *error) {
  char complaint[ID_COMPLAINT];
  const struct record_id *id = &r->ids[r->bad_id];
  const char *start = text->text + id->at, *end = text->text + text->size, *at = start;
  while (at < end && *at != '"' && *at != ',' && *at != '}' && *at != ']' && *at > ' ')
    at++;
  id_complain(start, (size_t)(at - start), complaint);
  return fail_at(path, text, id->at, complaint, error);
}

static bool is_cancelled(const struct record *r, const char *path, struct error *error) {
  if (!r->task || !task_cancelled(r->task)) return false;
  error_set(error, ERROR_CANCELLED, "reading a record of %s was cancelled", path);
  return true;
}

static bool check(struct record *r, const char *path, const struct reader_record *text,
                  struct error *error) {
  if (is_cancelled(r, path, error)) return false;
  if (r->json.problem) return fail_at(path, text, r->json.problem_at, r->json.problem, error);
  resolve_objects(r);
  resolve_ids(r);
  if (is_cancelled(r, path, error)) return false;
  if (r->bad_id != RECORD_NONE) return refuse_id(r, path, text, error);
  for (uint32_t i = 0; i < r->object_count; i++)
    if (r->objects[i].kind == RECORD_TWEET && !(r->objects[i].marks & SAW_ID))
      return fail_at(path, text, r->objects[i].start, "a tweet without an id (it is null)", error);
  resolve_authors(r);
  resolve_class(r, text);
  return true;
}

bool record_walk(struct record *r, const char *path, const struct reader_record *text,
                 struct error *error) {
  bool done;
  r->object_count = r->id_count = r->part_count = r->list_count = r->key_count = 0;
  r->bad_id = RECORD_NONE;
  r->no_memory = false;
  r->level = 0;
  json_begin_with(&r->json, r->scanner, text->text, text->size);
  r->json.task = r->task;
  walk_root(r);
  json_finish(&r->json);
  done = check(r, path, text, error);
  if (!r->no_memory) return done;
  error_memory(error, "reading a record of %s", path);
  return false;
}

struct json_text record_text(const struct reader_record *text, struct record_text place) {
  return (struct json_text){text->text + place.start, place.size, place.escaped};
}
