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

enum { FIRST_ROOM = 64, KEY_MAX = 22, ID_TEXT_ROOM = 64, PENDING_MAX = 3 };

/* What was seen in an object. */
enum {
  SAW_ID = 1,         /* `id` or `id_str` that is not null */
  SAW_ID_STR = 2,     /* `id_str` that is not null */
  SAW_NULL_ID = 4,    /* either, and null */
  SAW_TWEET_MARK = 8, /* a member that makes it a tweet */
  SAW_USER_MARK = 16, /* a member that makes it a user */
  SAW_AUTHOR = 32,    /* `author_id`; when resolved: any author */
};

/* Roles that only exist until the ids are resolved. */
enum { ID_BY_ID = 16, ID_BY_ID_STR };

/* Keys that mean something somewhere. */
enum key {
  KEY_OTHER,
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
  KEY_MEDIA,
  KEY_MEDIA_KEY,
  KEY_MEDIA_KEYS,
  KEY_MENTIONS,
  KEY_PLACE,
  KEY_PLACES,
  KEY_PLACE_ID,
  KEY_POLLS,
  KEY_POLL_IDS,
  KEY_QUOTED_STATUS,
  KEY_REFERENCES,
  KEY_RETWEETED_STATUS,
  KEY_STATUS,
  KEY_STATUSES,
  KEY_TEXT,
  KEY_TWEETS,
  KEY_TYPE,
  KEY_USER,
  KEY_USERNAME,
  KEY_USERS,
};

static enum key find_key(struct json_text text) {
  char decoded[KEY_MAX];
  if (text.escaped) {
    text.size = json_decode(text, decoded, sizeof decoded);
    text.text = decoded;
  }
#define IS(word, key)                                                                              \
  if (memcmp(text.text, word, sizeof word - 1) == 0) return key
  switch (text.size) {
  case 2: IS("id", KEY_ID); break;
  case 3: IS("geo", KEY_GEO); break;
  case 4:
    IS("text", KEY_TEXT);
    IS("user", KEY_USER);
    IS("data", KEY_DATA);
    IS("type", KEY_TYPE);
    break;
  case 5:
    IS("users", KEY_USERS);
    IS("place", KEY_PLACE);
    IS("media", KEY_MEDIA);
    IS("polls", KEY_POLLS);
    IS("posts", KEY_TWEETS);
    break;
  case 6:
    IS("id_str", KEY_ID_STR);
    IS("author", KEY_AUTHOR);
    IS("status", KEY_STATUS);
    IS("tweets", KEY_TWEETS);
    IS("places", KEY_PLACES);
    break;
  case 8:
    IS("entities", KEY_ENTITIES);
    IS("username", KEY_USERNAME);
    IS("mentions", KEY_MENTIONS);
    IS("includes", KEY_INCLUDES);
    IS("statuses", KEY_STATUSES);
    IS("place_id", KEY_PLACE_ID);
    IS("poll_ids", KEY_POLL_IDS);
    break;
  case 9:
    IS("author_id", KEY_AUTHOR_ID);
    IS("full_text", KEY_TEXT);
    IS("media_key", KEY_MEDIA_KEY);
    break;
  case 10: IS("media_keys", KEY_MEDIA_KEYS); break;
  case 11:
    IS("screen_name", KEY_USERNAME);
    IS("attachments", KEY_ATTACHMENTS);
    IS("coordinates", KEY_PLACE);
    break;
  case 13:
    IS("user_mentions", KEY_MENTIONS);
    IS("quoted_status", KEY_QUOTED_STATUS);
    break;
  case 14: IS("extended_tweet", KEY_EXTENDED_TWEET); break;
  case 16:
    IS("in_reply_to_user", KEY_IN_REPLY_TO_USER);
    IS("retweeted_status", KEY_RETWEETED_STATUS);
    IS("referenced_posts", KEY_REFERENCES);
    break;
  case 17: IS("referenced_tweets", KEY_REFERENCES); break;
  case 21: IS("edit_history_post_ids", KEY_EDIT_HISTORY); break;
  case 22: IS("edit_history_tweet_ids", KEY_EDIT_HISTORY); break;
  default: break;
  }
#undef IS
  return KEY_OTHER;
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

static void enter(struct record *r, struct items *items) {
  items->list = RECORD_NONE;
  items->ordinal = RECORD_NONE;
  items->pending_count = 0;
  if (!r->ids_only) {
    struct record_list *list = MORE(r, list);
    list->open = (uint32_t)r->json.at;
    items->list = r->list_count - 1;
  }
  json_enter(&r->json);
}

/* The walk has gone to the next item, which starts at `start`, or behind the last. */
static void step(struct record *r, struct items *items, bool is_more, uint32_t start) {
  items->ordinal++;
  items->start = start;
  items->comma = items->ordinal == 0 ? RECORD_NONE : (uint32_t)r->json.separator;
  for (uint32_t i = 0; i < items->pending_count && is_more; i++)
    pending_place(r, items, i)->comma_after = items->comma;
  items->pending_count = 0;
  if (is_more) return;
  r->lists[items->list].items = items->ordinal;
  r->lists[items->list].end = (uint32_t)r->json.separator + 1;
}

static bool next_member(struct record *r, struct items *items, enum key *key) {
  struct json_text text;
  bool is_more = json_member(&r->json, &text);
  if (!r->ids_only) step(r, items, is_more, is_more ? (uint32_t)(text.text - 1 - r->json.text) : 0);
  if (is_more) *key = find_key(text);
  return is_more;
}

static bool next_element(struct record *r, struct items *items) {
  bool is_more = json_element(&r->json);
  if (!r->ids_only) step(r, items, is_more, (uint32_t)r->json.at);
  return is_more;
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

static void end_part(struct record *r, uint32_t part) {
  r->parts[part].place.end = (uint32_t)json_end(&r->json);
}

static struct record_text text_at(const struct record *r, struct json_text text) {
  return (struct record_text){(uint32_t)(text.text - r->json.text), (uint32_t)text.size,
                              text.escaped};
}

/* Ids */

static uint64_t parse(struct json_text text) {
  char decoded[ID_TEXT_MAX];
  uint64_t id;
  if (!text.escaped) return id_read(text.text, &id) == text.size ? id : 0;
  text.size = json_decode(text, decoded, sizeof decoded);
  return id_parse(decoded, text.size);
}

/* Notes the value that the walk is at as an id of `object`; returns false for null. What is no id
 * at all becomes 0, which is refused if it turns out to count. */
static bool add_id(struct record *r, uint32_t object, uint32_t role) {
  enum json_type type = json_type(&r->json);
  size_t at = r->json.at;
  struct record_id *id;
  if (type == JSON_NULL || type == JSON_NOTHING) {
    json_skip(&r->json);
    return false;
  }
  id = MORE(r, id);
  id->object = object;
  id->role = role;
  id->at = (uint32_t)(at + (type == JSON_STRING));
  if (type == JSON_STRING || type == JSON_NUMBER)
    id->id = parse(json_scalar(&r->json));
  else
    json_skip(&r->json);
  return true;
}

static void add_own_id(struct record *r, uint32_t object, enum key key) {
  uint8_t seen = key == KEY_ID_STR ? SAW_ID | SAW_ID_STR : SAW_ID;
  if (add_id(r, object, key == KEY_ID_STR ? ID_BY_ID_STR : ID_BY_ID))
    r->objects[object].marks |= seen;
  else
    r->objects[object].marks |= SAW_NULL_ID;
}

static void walk_edit_history(struct record *r, uint32_t tweet) {
  r->objects[tweet].marks |= SAW_TWEET_MARK;
  if (r->ids_only || json_type(&r->json) != JSON_ARRAY) {
    json_skip(&r->json);
    return;
  }
  json_enter(&r->json);
  while (json_element(&r->json))
    add_id(r, tweet, ID_EDIT_HISTORY);
}

/* Media, polls and places: who refers */

static void add_key(struct record *r, enum record_part_kind kind, uint32_t object) {
  if (json_type(&r->json) == JSON_STRING) {
    struct record_text text = text_at(r, json_scalar(&r->json));
    struct record_key *key = MORE(r, key);
    key->kind = kind;
    key->object = object;
    key->key = text;
  } else {
    json_skip(&r->json);
  }
}

static void walk_attachments(struct record *r, uint32_t tweet) {
  struct json_text key;
  if (r->ids_only || json_type(&r->json) != JSON_OBJECT) {
    json_skip(&r->json);
    return;
  }
  json_enter(&r->json);
  while (json_member(&r->json, &key)) {
    enum key known = find_key(key);
    if ((known == KEY_MEDIA_KEYS || known == KEY_POLL_IDS) && json_type(&r->json) == JSON_ARRAY) {
      json_enter(&r->json);
      while (json_element(&r->json))
        add_key(r, known == KEY_MEDIA_KEYS ? PART_MEDIA : PART_POLL, tweet);
    } else {
      json_skip(&r->json);
    }
  }
}

/* A tweet's `geo`, `coordinates` or `place`. */
static void walk_geo(struct record *r, uint32_t tweet, enum key key, struct items *items) {
  struct json_text member;
  uint32_t part;
  if (r->ids_only) {
    json_skip(&r->json);
    return;
  }
  part = begin_part(r, PART_GEO, tweet, items);
  if (key == KEY_GEO && json_type(&r->json) == JSON_OBJECT) {
    json_enter(&r->json);
    while (json_member(&r->json, &member))
      if (find_key(member) == KEY_PLACE_ID)
        add_key(r, PART_PLACE, tweet);
      else
        json_skip(&r->json);
  } else {
    json_skip(&r->json);
  }
  end_part(r, part);
}

/* Who is referred to: an element of `includes.media`, `includes.polls` or `includes.places`. */
static void walk_included(struct record *r, enum record_part_kind kind, uint32_t page) {
  struct items items;
  enum key wanted = kind == PART_MEDIA ? KEY_MEDIA_KEY : KEY_ID;
  enter(r, &items);
  while (next_element(r, &items)) {
    uint32_t part = begin_part(r, kind, page, &items);
    struct json_text key;
    if (json_type(&r->json) == JSON_OBJECT) {
      json_enter(&r->json);
      while (json_member(&r->json, &key))
        if (find_key(key) == wanted && json_type(&r->json) == JSON_STRING)
          r->parts[part].key = text_at(r, json_scalar(&r->json));
        else
          json_skip(&r->json);
    } else {
      json_skip(&r->json);
    }
    end_part(r, part);
  }
}

/* Objects */

static void walk_object(struct record *r, enum record_position position, uint32_t parent,
                        struct items *items);

/* The value of a member that may be an object at `position`. */
static void walk_member(struct record *r, enum record_position position, uint32_t parent,
                        struct items *items) {
  if (json_type(&r->json) == JSON_OBJECT)
    walk_object(r, position, parent, items);
  else
    json_skip(&r->json);
}

/* A value that may be an array of objects at `position`. */
static void walk_array(struct record *r, enum record_position position, uint32_t parent) {
  struct items items;
  if (json_type(&r->json) != JSON_ARRAY) {
    json_skip(&r->json);
    return;
  }
  enter(r, &items);
  while (next_element(r, &items))
    walk_member(r, position, parent, &items);
}

static void walk_entities(struct record *r, uint32_t tweet) {
  struct json_text key;
  if (json_type(&r->json) != JSON_OBJECT) {
    json_skip(&r->json);
    return;
  }
  json_enter(&r->json);
  while (json_member(&r->json, &key))
    if (find_key(key) == KEY_MENTIONS)
      walk_array(r, AT_MENTION, tweet);
    else
      json_skip(&r->json);
}

static void walk_extended_tweet(struct record *r, uint32_t tweet) {
  struct json_text key;
  if (json_type(&r->json) != JSON_OBJECT) {
    json_skip(&r->json);
    return;
  }
  json_enter(&r->json);
  while (json_member(&r->json, &key))
    if (find_key(key) == KEY_ENTITIES)
      walk_entities(r, tweet);
    else
      json_skip(&r->json);
}

static void walk_includes(struct record *r, uint32_t page) {
  struct json_text text;
  if (json_type(&r->json) != JSON_OBJECT) {
    json_skip(&r->json);
    return;
  }
  json_enter(&r->json);
  while (json_member(&r->json, &text)) {
    enum key key = find_key(text);
    bool parts = !r->ids_only && json_type(&r->json) == JSON_ARRAY;
    if (key == KEY_TWEETS)
      walk_array(r, AT_INCLUDED_TWEET, page);
    else if (key == KEY_USERS)
      walk_array(r, AT_INCLUDED_USER, page);
    else if (parts && key == KEY_MEDIA)
      walk_included(r, PART_MEDIA, page);
    else if (parts && key == KEY_POLLS)
      walk_included(r, PART_POLL, page);
    else if (parts && key == KEY_PLACES)
      walk_included(r, PART_PLACE, page);
    else
      json_skip(&r->json);
  }
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
static void walk_page_member(struct record *r, enum key key, uint32_t page, struct items *items) {
  if (key == KEY_INCLUDES)
    walk_includes(r, page);
  else if (key == KEY_STATUSES)
    walk_array(r, AT_STATUSES_ELEMENT, page);
  else if (json_type(&r->json) == JSON_ARRAY)
    walk_array(r, AT_DATA_ELEMENT, page);
  else
    walk_member(r, AT_DATA, page, items);
}

/* A member that only a tweet has. Whether the object is one may only be seen later. */
static void walk_tweet_member(struct record *r, enum key key, uint32_t tweet, struct items *items) {
  switch (key) {
  case KEY_USER:
    r->objects[tweet].marks |= SAW_TWEET_MARK;
    walk_member(r, AT_USER, tweet, items);
    break;
  case KEY_AUTHOR: walk_member(r, AT_AUTHOR, tweet, items); break;
  case KEY_IN_REPLY_TO_USER: walk_member(r, AT_IN_REPLY_TO_USER, tweet, items); break;
  case KEY_RETWEETED_STATUS: walk_member(r, AT_RETWEETED_STATUS, tweet, items); break;
  case KEY_QUOTED_STATUS: walk_member(r, AT_QUOTED_STATUS, tweet, items); break;
  case KEY_REFERENCES: walk_array(r, AT_REFERENCE, tweet); break;
  case KEY_ENTITIES: walk_entities(r, tweet); break;
  case KEY_EXTENDED_TWEET: walk_extended_tweet(r, tweet); break;
  case KEY_EDIT_HISTORY: walk_edit_history(r, tweet); break;
  case KEY_ATTACHMENTS: walk_attachments(r, tweet); break;
  default: walk_geo(r, tweet, key, items); break;
  }
}

static void walk_type(struct record *r, uint32_t object) {
  if (json_type(&r->json) == JSON_STRING) {
    if (json_is(json_scalar(&r->json), "retweeted")) r->objects[object].retweet = true;
  } else {
    json_skip(&r->json);
  }
}

static void walk_any_member(struct record *r, enum key key, uint32_t object, struct items *items) {
  enum record_position position = r->objects[object].position;
  switch (key) {
  case KEY_ID:
  case KEY_ID_STR: add_own_id(r, object, key); return;
  case KEY_AUTHOR_ID:
    r->objects[object].marks |= SAW_TWEET_MARK;
    if (add_id(r, object, ID_AUTHOR)) r->objects[object].marks |= SAW_AUTHOR;
    return;
  case KEY_TEXT: r->objects[object].marks |= SAW_TWEET_MARK; break;
  case KEY_USERNAME: r->objects[object].marks |= SAW_USER_MARK; break;
  case KEY_TYPE:
    if (position != AT_REFERENCE) break;
    walk_type(r, object);
    return;
  case KEY_DATA:
  case KEY_INCLUDES:
  case KEY_STATUSES:
    if (!may_be_page(position)) break;
    walk_page_member(r, key, object, items);
    return;
  case KEY_STATUS:
    if (!may_be_user(position)) break;
    walk_member(r, AT_USER_STATUS, object, items);
    return;
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
    if (may_be_tweet(position)) {
      walk_tweet_member(r, key, object, items);
      return;
    }
    if (key == KEY_USER || key == KEY_EDIT_HISTORY) r->objects[object].marks |= SAW_TWEET_MARK;
    break;
  default: break;
  }
  json_skip(&r->json);
}

/* A member of a reference, of which only `type` and `id` may stay. */
static void walk_reference_member(struct record *r, enum key key, uint32_t object,
                                  struct items *items) {
  enum record_part_kind kind = key == KEY_TYPE ? PART_REFERENCE_TYPE
                               : key == KEY_ID ? PART_REFERENCE_ID
                                               : PART_REFERENCE_OTHER;
  uint32_t part = begin_part(r, kind, object, items);
  walk_any_member(r, key, object, items);
  end_part(r, part);
}

static void walk_object(struct record *r, enum record_position position, uint32_t parent,
                        struct items *items) {
  struct record_object *object = MORE(r, object);
  uint32_t index = r->object_count - 1;
  struct items own;
  enum key key;
  object->position = position;
  object->parent = parent;
  object->start = (uint32_t)r->json.at;
  object->place.list = RECORD_NONE;
  if (items && !r->ids_only) object->place = begin_place(items, false, index);
  enter(r, &own);
  while (next_member(r, &own, &key))
    if (position == AT_REFERENCE && !r->ids_only)
      walk_reference_member(r, key, index, &own);
    else
      walk_any_member(r, key, index, &own);
  object = &r->objects[index]; /* the array may have moved */
  object->end = object->place.end = (uint32_t)json_end(&r->json);
}

static void walk_root(struct record *r) {
  struct items items;
  if (json_type(&r->json) == JSON_OBJECT) {
    walk_object(r, AT_ROOT, RECORD_NONE, NULL);
  } else if (json_type(&r->json) == JSON_ARRAY) {
    enter(r, &items);
    while (next_element(r, &items))
      if (json_type(&r->json) == JSON_OBJECT)
        walk_object(r, AT_ROOT_ELEMENT, RECORD_NONE, &items);
      else
        json_refuse(&r->json, "an object was expected");
  } else {
    json_refuse(&r->json, "an object was expected");
  }
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
  for (uint32_t i = count; i < r->id_count; i++)
    r->objects[r->ids[i].object].marks |= SAW_AUTHOR;
}

/* The latest tweet in a user object has that user for its author, unless it says otherwise. */
static void resolve_statuses(struct record *r) {
  uint32_t count = r->id_count;
  for (uint32_t tweet = 0; tweet < r->object_count; tweet++) {
    const struct record_object *object = &r->objects[tweet];
    if (object->position != AT_USER_STATUS || object->kind != RECORD_TWEET ||
        (object->marks & SAW_AUTHOR))
      continue;
    for (uint32_t i = 0; i < count; i++)
      if (r->ids[i].object == object->parent && r->ids[i].role == ID_OWN)
        add_author(r, tweet, &r->ids[i]);
  }
}

/* Public */

struct record *record_new(int flags) {
  struct record *r = calloc(1, sizeof *r);
  if (!r) return NULL;
  r->ids_only = flags & RECORD_IDS;
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
  resolve_statuses(r);
  return true;
}

bool record_walk(struct record *r, const char *path, const struct reader_record *text,
                 struct error *error) {
  bool done;
  r->object_count = r->id_count = r->part_count = r->list_count = r->key_count = 0;
  r->bad_id = RECORD_NONE;
  r->no_memory = false;
  json_begin(&r->json, text->text, text->size);
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
