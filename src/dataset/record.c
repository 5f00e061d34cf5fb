/* record.c - see record.h
 *
 * The walk knows at each object only where it stands. It notes what it sees - ids, marks by which
 * tweets and users are known, objects that stand where such may stand - and resolves it when the
 * record has ended: parents come before their children, so one pass over the objects decides what
 * each of them is, and one over the ids which of them count.
 */
#include "dataset/record.h"

#include <stdlib.h>
#include <string.h>

#include "dataset/id.h"

enum { FIRST_ROOM = 64, PENDING_MAX = 3 };

#define HASH_FACTOR 0x326324dfb695ffbu

/* What was seen in an object. */
enum {
  SAW_ID = 1,         /* `id` or `id_str` that is not null */
  SAW_ID_STR = 2,     /* `id_str` that is not null */
  SAW_NULL_ID = 4,    /* either, and null */
  SAW_TWEET_MARK = 8, /* a member that makes it a tweet */
  SAW_USER_MARK = 16, /* a member that makes it a user */
  SAW_AUTHOR = 32,    /* `author_id` */
};

/* Roles that only exist until the ids are resolved. */
enum { ID_BY_ID = 16, ID_BY_ID_STR };

/* Keys that mean something somewhere. */
enum key {
  KEY_OTHER, /* no more than the mark that it leaves */
  KEY_MEDIA,
  KEY_MEDIA_KEY,
  KEY_MEDIA_KEYS,
  KEY_MENTIONS,
  KEY_PLACES,
  KEY_PLACE_ID,
  KEY_POLLS,
  KEY_POLL_IDS,
  KEY_TWEETS,
  KEY_USERS,
  KEY_ATTACHMENTS,
  KEY_AUTHOR,
  KEY_AUTHOR_ID,
  KEY_DATA,
  KEY_EDIT_HISTORY,
  KEY_ENTITIES,
  KEY_EXTENDED_TWEET,
  KEY_GEO,
  KEY_ID,
  KEY_ID_STR,
  KEY_INCLUDES,
  KEY_IN_REPLY_TO_USER,
  KEY_PLACE,
  KEY_QUOTED_STATUS,
  KEY_REFERENCES,
  KEY_RETWEETED_STATUS,
  KEY_STATUS,
  KEY_STATUSES,
  KEY_TYPE,
  KEY_USER,
};

static const struct {
  const char *text;
  enum key key;
  uint8_t mark;
} known_keys[] = {
    {"attachments", KEY_ATTACHMENTS, 0},
    {"author", KEY_AUTHOR, 0},
    {"author_id", KEY_AUTHOR_ID, SAW_TWEET_MARK},
    {"coordinates", KEY_PLACE, 0},
    {"data", KEY_DATA, 0},
    {"edit_history_post_ids", KEY_EDIT_HISTORY, SAW_TWEET_MARK},
    {"edit_history_tweet_ids", KEY_EDIT_HISTORY, SAW_TWEET_MARK},
    {"entities", KEY_ENTITIES, 0},
    {"extended_tweet", KEY_EXTENDED_TWEET, 0},
    {"full_text", KEY_OTHER, SAW_TWEET_MARK},
    {"geo", KEY_GEO, 0},
    {"id", KEY_ID, 0},
    {"id_str", KEY_ID_STR, 0},
    {"in_reply_to_user", KEY_IN_REPLY_TO_USER, 0},
    {"includes", KEY_INCLUDES, 0},
    {"media", KEY_MEDIA, 0},
    {"media_key", KEY_MEDIA_KEY, 0},
    {"media_keys", KEY_MEDIA_KEYS, 0},
    {"mentions", KEY_MENTIONS, 0},
    {"place", KEY_PLACE, 0},
    {"place_id", KEY_PLACE_ID, 0},
    {"places", KEY_PLACES, 0},
    {"poll_ids", KEY_POLL_IDS, 0},
    {"polls", KEY_POLLS, 0},
    {"posts", KEY_TWEETS, 0},
    {"quoted_status", KEY_QUOTED_STATUS, 0},
    {"referenced_posts", KEY_REFERENCES, 0},
    {"referenced_tweets", KEY_REFERENCES, 0},
    {"retweeted_status", KEY_RETWEETED_STATUS, 0},
    {"screen_name", KEY_OTHER, SAW_USER_MARK},
    {"status", KEY_STATUS, 0},
    {"statuses", KEY_STATUSES, 0},
    {"text", KEY_OTHER, SAW_TWEET_MARK},
    {"tweets", KEY_TWEETS, 0},
    {"type", KEY_TYPE, 0},
    {"user", KEY_USER, SAW_TWEET_MARK},
    {"user_mentions", KEY_MENTIONS, 0},
    {"username", KEY_OTHER, SAW_USER_MARK},
    {"users", KEY_USERS, 0},
};

/* At most eight bytes of a text as one number; there is padding behind every text. */
static inline uint64_t eight_bytes(const char *text, size_t size) {
  uint64_t word;
  memcpy(&word, text, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap64(word);
#endif
  return size < 8 ? word & ~(UINT64_MAX << 8 * size) : word;
}

/* Where a key stands in the table. The factor was chosen so that no two known ones share a place.
 */
static inline uint32_t slot_of(uint64_t first, size_t size) {
  return (uint32_t)((first + size) * HASH_FACTOR >> 57);
}

/* Whether a text is a word, of which the first eight bytes are. */
static inline bool is_word(const struct record_word *word, const char *text, size_t size) {
  if (word->size != size) return false;
  if (size > 8 && word->parts[1] != eight_bytes(text + 8, size - 8)) return false;
  return size <= 16 || (word->parts[2] == eight_bytes(text + 16, size - 16));
}

static void fill_words(struct record_word *words) {
  for (size_t i = 0; i < sizeof known_keys / sizeof *known_keys; i++) {
    char text[RECORD_WORD_MAX + 8] = {0};
    size_t size = strlen(known_keys[i].text);
    struct record_word *word;
    memcpy(text, known_keys[i].text, size);
    word = &words[slot_of(eight_bytes(text, size), size)];
    for (int part = 0; part < 3; part++)
      word->parts[part] = eight_bytes(text + 8 * part, 8);
    word->size = (uint32_t)size;
    word->key = (uint8_t)known_keys[i].key;
    word->mark = known_keys[i].mark;
  }
}

static const struct record_word no_word = {.key = KEY_OTHER};

static const struct record_word *find_word(const struct record *r, struct json_text text);

/* A key written with escapes may still be a known one. */
static __attribute__((noinline)) const struct record_word *find_escaped(const struct record *r,
                                                                        struct json_text text) {
  char decoded[RECORD_WORD_MAX + 8] = {0};
  text.size = json_decode(text, decoded, RECORD_WORD_MAX);
  text.text = decoded;
  if (text.size >= RECORD_WORD_MAX || memchr(decoded, '\\', text.size)) return &no_word;
  return find_word(r, text);
}

static inline const struct record_word *find_word(const struct record *r, struct json_text text) {
  uint64_t first = eight_bytes(text.text, text.size);
  const struct record_word *word = &r->words[slot_of(first, text.size)];
  if (word->parts[0] == first && is_word(word, text.text, text.size)) return word;
  return json_has_escape(text.text, text.size) ? find_escaped(r, text) : &no_word;
}

/* Arrays that grow */

/* Makes room for one more of `*count` things. Where memory is short the last one is overwritten and
 * the walk, which cannot stop in its middle, ends in an error. */
static void *more(struct record *r, void **things, uint32_t *count, uint32_t *room, size_t size) {
  if (*count == *room) {
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

/* Goes into the bracket at a place. */
static json_at enter(struct record *r, json_at at, struct items *items) {
  items->list = RECORD_NONE;
  items->ordinal = RECORD_NONE;
  items->pending_count = 0;
  if (!r->ids_only) {
    struct record_list *list = MORE(r, list);
    list->open = *at;
    items->list = r->list_count - 1;
  }
  return json_open(&r->json, at);
}

/* The walk goes to the next item, or behind the last; `separator` stands in front of that. */
static void step(struct record *r, struct items *items, bool is_more, uint32_t separator,
                 uint32_t start) {
  items->ordinal++;
  items->start = start;
  items->comma = items->ordinal == 0 ? RECORD_NONE : separator;
  for (uint32_t i = 0; i < items->pending_count && is_more; i++)
    pending_place(r, items, i)->comma_after = separator;
  items->pending_count = 0;
  if (is_more) return;
  r->lists[items->list].items = items->ordinal;
  r->lists[items->list].end = separator + 1;
}

/* Goes to the first or next item of a bracket; false behind the last. */
static inline bool next_item(struct record *r, json_at *at, struct items *items, bool first,
                             char close) {
  uint32_t separator = **at;
  bool is_more = first ? json_first(&r->json, at, close) : json_next(&r->json, at, close);
  if (r->json.problem) return false;
  if (!r->ids_only) step(r, items, is_more, separator, **at);
  return is_more;
}

#define FOR_EACH(r, at, items, close)                                                              \
  for (bool is_more = next_item(r, &at, items, true, close); is_more;                              \
       is_more = next_item(r, &at, items, false, close))

/* The same where there is nothing to be cut. */
#define FOR_EACH_PLAIN(r, at, close)                                                               \
  at = json_open(&(r)->json, at);                                                                  \
  for (bool is_more = json_first(&(r)->json, &at, close); is_more && !(r)->json.problem;           \
       is_more = json_next(&(r)->json, &at, close))

static inline json_at take_word(struct record *r, json_at at, const struct record_word **word) {
  struct json_text text;
  at = json_key(&r->json, at, &text);
  *word = find_word(r, text);
  return at;
}

static inline json_at take_key(struct record *r, json_at at, enum key *key) {
  const struct record_word *word;
  at = take_word(r, at, &word);
  *key = (enum key)word->key;
  return at;
}

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

static uint64_t parse(struct json_text text) {
  char decoded[ID_TEXT_MAX];
  uint64_t id;
  if (!text.escaped) return id_read(text.text, &id) == text.size ? id : 0;
  text.size = json_decode(text, decoded, sizeof decoded);
  return id_parse(decoded, text.size);
}

/* Notes the value at a place as an id of `object`; `*noted` is false for null. What is no id at all
 * becomes 0, which is refused if it turns out to count. */
static json_at add_id(struct record *r, json_at at, uint32_t object, uint32_t role, bool *noted) {
  enum json_type type = json_type_at(&r->json, at);
  bool scalar = type == JSON_STRING || type == JSON_NUMBER;
  struct json_text text = {"", 0, false};
  struct record_id *id;
  uint32_t start = *at;
  at = scalar ? json_take(&r->json, at, &text) : pass(r, at);
  *noted = type != JSON_NULL && !r->json.problem;
  if (!*noted) return at;
  id = MORE(r, id);
  id->object = object;
  id->role = role;
  id->at = start + (type == JSON_STRING);
  id->id = scalar ? parse(text) : 0;
  return at;
}

static json_at add_own_id(struct record *r, json_at at, uint32_t object, enum key key) {
  uint8_t seen = key == KEY_ID_STR ? SAW_ID | SAW_ID_STR : SAW_ID;
  bool noted;
  at = add_id(r, at, object, key == KEY_ID_STR ? ID_BY_ID_STR : ID_BY_ID, &noted);
  r->objects[object].marks |= noted ? seen : SAW_NULL_ID;
  return at;
}

static json_at add_author_id(struct record *r, json_at at, uint32_t object) {
  bool noted;
  at = add_id(r, at, object, ID_AUTHOR, &noted);
  r->objects[object].marks |= noted ? SAW_AUTHOR : 0;
  return at;
}

static json_at walk_edit_history(struct record *r, json_at at, uint32_t tweet) {
  bool noted;
  if (r->ids_only || !is_at(r, at, '[')) return pass(r, at);
  FOR_EACH_PLAIN(r, at, ']') at = add_id(r, at, tweet, ID_EDIT_HISTORY, &noted);
  return at;
}

/* Media, polls and places: who refers */

static json_at add_key(struct record *r, json_at at, enum record_part_kind kind, uint32_t object) {
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

static json_at add_keys(struct record *r, json_at at, enum record_part_kind kind, uint32_t object) {
  if (!is_at(r, at, '[')) return pass(r, at);
  FOR_EACH_PLAIN(r, at, ']') at = add_key(r, at, kind, object);
  return at;
}

static json_at walk_attachments(struct record *r, json_at at, uint32_t tweet) {
  if (r->ids_only || !is_at(r, at, '{')) return pass(r, at);
  FOR_EACH_PLAIN(r, at, '}') {
    enum key key;
    at = take_key(r, at, &key);
    if (key == KEY_MEDIA_KEYS || key == KEY_POLL_IDS)
      at = add_keys(r, at, key == KEY_MEDIA_KEYS ? PART_MEDIA : PART_POLL, tweet);
    else
      at = pass(r, at);
  }
  return at;
}

/* A tweet's `geo`, `coordinates` or `place`. */
static json_at walk_geo(struct record *r, json_at at, uint32_t tweet, enum key key,
                        struct items *items) {
  uint32_t part;
  if (r->ids_only) return pass(r, at);
  part = begin_part(r, PART_GEO, tweet, items);
  if (key == KEY_GEO && is_at(r, at, '{')) {
    FOR_EACH_PLAIN(r, at, '}') {
      enum key member;
      at = take_key(r, at, &member);
      at = member == KEY_PLACE_ID ? add_key(r, at, PART_PLACE, tweet) : pass(r, at);
    }
  } else {
    at = pass(r, at);
  }
  end_part(r, at, part);
  return at;
}

/* The key by which an element of `includes.media`, `.polls` or `.places` is referred to. */
static json_at walk_included_key(struct record *r, json_at at, uint32_t part) {
  enum key wanted = r->parts[part].kind == PART_MEDIA ? KEY_MEDIA_KEY : KEY_ID;
  if (!is_at(r, at, '{')) return pass(r, at);
  FOR_EACH_PLAIN(r, at, '}') {
    struct json_text text;
    enum key key;
    at = take_key(r, at, &key);
    if (key == wanted && is_at(r, at, '"')) {
      at = json_take(&r->json, at, &text);
      if (!r->json.problem) r->parts[part].key = text_at(r, text);
    } else {
      at = pass(r, at);
    }
  }
  return at;
}

static json_at walk_included(struct record *r, json_at at, enum record_part_kind kind,
                             uint32_t page) {
  struct items items;
  if (r->ids_only || !is_at(r, at, '[')) return pass(r, at);
  at = enter(r, at, &items);
  FOR_EACH(r, at, &items, ']') {
    uint32_t part = begin_part(r, kind, page, &items);
    at = walk_included_key(r, at, part);
    end_part(r, at, part);
  }
  return at;
}

/* Objects */

static json_at walk_object(struct record *r, json_at at, enum record_position position,
                           uint32_t parent, struct items *items);

/* The value of a member that may be an object at `position`. */
static json_at walk_member(struct record *r, json_at at, enum record_position position,
                           uint32_t parent, struct items *items) {
  return is_at(r, at, '{') ? walk_object(r, at, position, parent, items) : pass(r, at);
}

/* A value that may be an array of objects at `position`. */
static json_at walk_array(struct record *r, json_at at, enum record_position position,
                          uint32_t parent) {
  struct items items;
  if (!is_at(r, at, '[')) return pass(r, at);
  at = enter(r, at, &items);
  FOR_EACH(r, at, &items, ']') at = walk_member(r, at, position, parent, &items);
  return at;
}

static json_at walk_entities(struct record *r, json_at at, uint32_t tweet) {
  if (!is_at(r, at, '{')) return pass(r, at);
  FOR_EACH_PLAIN(r, at, '}') {
    enum key key;
    at = take_key(r, at, &key);
    at = key == KEY_MENTIONS ? walk_array(r, at, AT_MENTION, tweet) : pass(r, at);
  }
  return at;
}

static json_at walk_extended_tweet(struct record *r, json_at at, uint32_t tweet) {
  if (!is_at(r, at, '{')) return pass(r, at);
  FOR_EACH_PLAIN(r, at, '}') {
    enum key key;
    at = take_key(r, at, &key);
    at = key == KEY_ENTITIES ? walk_entities(r, at, tweet) : pass(r, at);
  }
  return at;
}

static json_at walk_includes(struct record *r, json_at at, uint32_t page) {
  if (!is_at(r, at, '{')) return pass(r, at);
  FOR_EACH_PLAIN(r, at, '}') {
    enum key key;
    at = take_key(r, at, &key);
    switch (key) {
    case KEY_TWEETS: at = walk_array(r, at, AT_INCLUDED_TWEET, page); break;
    case KEY_USERS: at = walk_array(r, at, AT_INCLUDED_USER, page); break;
    case KEY_MEDIA: at = walk_included(r, at, PART_MEDIA, page); break;
    case KEY_POLLS: at = walk_included(r, at, PART_POLL, page); break;
    case KEY_PLACES: at = walk_included(r, at, PART_PLACE, page); break;
    default: at = pass(r, at); break;
    }
  }
  return at;
}

static bool may_be_page(enum record_position position) {
  return position == AT_ROOT || position == AT_ROOT_ELEMENT;
}

static bool may_be_tweet(enum record_position position) {
  switch (position) {
  case AT_INCLUDED_USER:
  case AT_USER:
  case AT_AUTHOR:
  case AT_IN_REPLY_TO_USER:
  case AT_MENTION:
  case AT_NOWHERE: return false;
  default: return true;
  }
}

static bool may_be_user(enum record_position position) {
  switch (position) {
  case AT_ROOT:
  case AT_ROOT_ELEMENT:
  case AT_DATA:
  case AT_DATA_ELEMENT:
  case AT_INCLUDED_USER:
  case AT_USER:
  case AT_AUTHOR:
  case AT_IN_REPLY_TO_USER:
  case AT_MENTION: return true;
  default: return false;
  }
}

/* A member that only a page has. */
static json_at walk_page_member(struct record *r, json_at at, enum key key, uint32_t page,
                                struct items *items) {
  switch (key) {
  case KEY_INCLUDES: return walk_includes(r, at, page);
  case KEY_STATUSES: return walk_array(r, at, AT_STATUSES_ELEMENT, page);
  default:
    if (is_at(r, at, '[')) return walk_array(r, at, AT_DATA_ELEMENT, page);
    return walk_member(r, at, AT_DATA, page, items);
  }
}

/* A member that only a tweet has. Whether the object is one may only be seen later. */
static json_at walk_tweet_member(struct record *r, json_at at, enum key key, uint32_t tweet,
                                 struct items *items) {
  switch (key) {
  case KEY_USER: return walk_member(r, at, AT_USER, tweet, items);
  case KEY_AUTHOR: return walk_member(r, at, AT_AUTHOR, tweet, items);
  case KEY_IN_REPLY_TO_USER: return walk_member(r, at, AT_IN_REPLY_TO_USER, tweet, items);
  case KEY_RETWEETED_STATUS: return walk_member(r, at, AT_RETWEETED_STATUS, tweet, items);
  case KEY_QUOTED_STATUS: return walk_member(r, at, AT_QUOTED_STATUS, tweet, items);
  case KEY_REFERENCES: return walk_array(r, at, AT_REFERENCE, tweet);
  case KEY_ENTITIES: return walk_entities(r, at, tweet);
  case KEY_EXTENDED_TWEET: return walk_extended_tweet(r, at, tweet);
  case KEY_EDIT_HISTORY: return walk_edit_history(r, at, tweet);
  case KEY_ATTACHMENTS: return walk_attachments(r, at, tweet);
  default: return walk_geo(r, at, tweet, key, items);
  }
}

static json_at walk_type(struct record *r, json_at at, uint32_t object) {
  struct json_text text;
  if (!is_at(r, at, '"')) return pass(r, at);
  at = json_take(&r->json, at, &text);
  if (json_is(text, "retweeted")) r->objects[object].retweet = true;
  return at;
}

static json_at walk_any_member(struct record *r, json_at at, enum key key, uint32_t object,
                               struct items *items) {
  enum record_position position = r->objects[object].position;
  switch (key) {
  case KEY_ID:
  case KEY_ID_STR: return add_own_id(r, at, object, key);
  case KEY_AUTHOR_ID: return add_author_id(r, at, object);
  case KEY_TYPE: return position == AT_REFERENCE ? walk_type(r, at, object) : pass(r, at);
  case KEY_DATA:
  case KEY_INCLUDES:
  case KEY_STATUSES:
    return may_be_page(position) ? walk_page_member(r, at, key, object, items) : pass(r, at);
  case KEY_STATUS:
    return may_be_user(position) ? walk_member(r, at, AT_USER_STATUS, object, items) : pass(r, at);
  case KEY_ATTACHMENTS:
  case KEY_AUTHOR:
  case KEY_EDIT_HISTORY:
  case KEY_ENTITIES:
  case KEY_EXTENDED_TWEET:
  case KEY_GEO:
  case KEY_IN_REPLY_TO_USER:
  case KEY_PLACE:
  case KEY_QUOTED_STATUS:
  case KEY_REFERENCES:
  case KEY_RETWEETED_STATUS:
  case KEY_USER:
    return may_be_tweet(position) ? walk_tweet_member(r, at, key, object, items) : pass(r, at);
  default: return pass(r, at);
  }
}

/* A member of a reference, of which only `type` and `id` may stay. */
static json_at walk_reference_member(struct record *r, json_at at, enum key key, uint32_t object,
                                     struct items *items) {
  enum record_part_kind kind = key == KEY_TYPE ? PART_REFERENCE_TYPE
                               : key == KEY_ID ? PART_REFERENCE_ID
                                               : PART_REFERENCE_OTHER;
  uint32_t part = begin_part(r, kind, object, items);
  at = walk_any_member(r, at, key, object, items);
  end_part(r, at, part);
  return at;
}

static json_at walk_object(struct record *r, json_at at, enum record_position position,
                           uint32_t parent, struct items *items) {
  bool reference = position == AT_REFERENCE && !r->ids_only;
  struct record_object *object = MORE(r, object);
  uint32_t index = r->object_count - 1;
  struct items own;
  object->position = position;
  object->parent = parent;
  object->start = *at;
  object->place.list = RECORD_NONE;
  if (items && !r->ids_only) object->place = begin_place(items, false, index);
  at = enter(r, at, &own);
  FOR_EACH(r, at, &own, '}') {
    const struct record_word *word;
    at = take_word(r, at, &word);
    r->objects[index].marks |= word->mark;
    at = reference ? walk_reference_member(r, at, (enum key)word->key, index, &own)
                   : walk_any_member(r, at, (enum key)word->key, index, &own);
  }
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

/* What it all comes to */

/* Whether the parent turned out to be what may hold such an object. */
static bool is_held(const struct record *r, const struct record_object *object) {
  switch (object->position) {
  case AT_RETWEETED_STATUS:
  case AT_QUOTED_STATUS:
  case AT_REFERENCE:
  case AT_USER:
  case AT_AUTHOR:
  case AT_IN_REPLY_TO_USER:
  case AT_MENTION: return r->objects[object->parent].kind == RECORD_TWEET;
  case AT_USER_STATUS: return r->objects[object->parent].kind == RECORD_USER;
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

/* The role that an id turns out to have; -1 where it counts for nothing. */
static int role_of(const struct record_object *object, uint32_t role) {
  bool tweet = object->kind == RECORD_TWEET;
  bool named = object->kind != RECORD_NEITHER || object->position == AT_REFERENCE ||
               object->position == AT_USER || object->position == AT_AUTHOR;
  switch (role) {
  case ID_BY_ID: return named && !(object->marks & SAW_ID_STR) ? ID_OWN : -1;
  case ID_BY_ID_STR: return named ? ID_OWN : -1;
  default: return tweet ? (int)role : -1;
  }
}

static void resolve_ids(struct record *r) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < r->id_count; i++) {
    struct record_id id = r->ids[i];
    int role = role_of(&r->objects[id.object], id.role);
    if (role < 0) continue;
    id.role = (uint32_t)role;
    if (id.id == 0 && r->bad_id == RECORD_NONE) r->bad_id = kept;
    r->ids[kept++] = id;
  }
  r->id_count = kept;
}

static void add_author(struct record *r, uint32_t tweet, const struct record_id *id) {
  struct record_id author = {id->id, tweet, ID_AUTHOR, id->at};
  struct record_id *added = MORE(r, id);
  *added = author;
}

/* Tweets without an `author_id` have the authors that stand in their `user` and `author`. */
static void resolve_authors(struct record *r) {
  uint32_t count = r->id_count;
  for (uint32_t i = 0; i < count; i++) {
    const struct record_object *holder = &r->objects[r->ids[i].object];
    bool author = holder->position == AT_USER || holder->position == AT_AUTHOR;
    if (!author || r->ids[i].role != ID_OWN) continue;
    if (!(r->objects[holder->parent].marks & SAW_AUTHOR)) add_author(r, holder->parent, &r->ids[i]);
  }
}

/* Public */

struct record *record_new(int flags) {
  struct record *r = calloc(1, sizeof *r);
  if (!r) return NULL;
  r->ids_only = flags & RECORD_IDS;
  r->scanner = json_scanner();
  fill_words(r->words);
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

static bool check(struct record *r, const char *path, const struct reader_record *text,
                  struct error *error) {
  if (r->json.problem) return fail_at(path, text, r->json.problem_at, r->json.problem, error);
  resolve_objects(r);
  resolve_ids(r);
  if (r->bad_id != RECORD_NONE) return refuse_id(r, path, text, error);
  for (uint32_t i = 0; i < r->object_count; i++)
    if (r->objects[i].kind == RECORD_TWEET && !(r->objects[i].marks & SAW_ID))
      return fail_at(path, text, r->objects[i].start, "a tweet without an id (it is null)", error);
  resolve_authors(r);
  return true;
}

bool record_walk(struct record *r, const char *path, const struct reader_record *text,
                 struct error *error) {
  bool done;
  r->object_count = r->id_count = r->part_count = r->list_count = r->key_count = 0;
  r->bad_id = RECORD_NONE;
  r->no_memory = false;
  json_begin_with(&r->json, r->scanner, text->text, text->size);
  walk_root(r);
  json_finish(&r->json);
  done = check(r, path, text, error);
  if (!r->no_memory) return done;
  error_set(error, ERROR_MEMORY, "reading a record of %s: out of memory", path);
  return false;
}

struct json_text record_text(const struct reader_record *text, struct record_text place) {
  return (struct json_text){text->text + place.start, place.size, place.escaped};
}
