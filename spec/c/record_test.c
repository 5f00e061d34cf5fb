/* record_test.c - what is found in a record, its place, and that it can be cut out */
#include <stdlib.h>

#include "check.h"
#include "dataset/text/record.h"
#include "json_oracle.h"

static uint64_t state = 11;

static uint64_t draw(void) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return state >> 33;
}

static struct shapes *shapes;
static struct record *walker;
static struct reader_record record;
static struct error error;
static char buffer[1 << 16];

static bool walk(const char *text) {
  size_t size = strlen(text);
  memcpy(buffer, text, size);
  memset(buffer + size, 'x', JSON_PADDING);
  record = (struct reader_record){.text = buffer, .size = size, .line = 3, .byte = 100};
  error = (struct error){0};
  return record_walk(walker, "f", &record, &error);
}

/* All ids as "POSITION.KIND.ROLE=ID", in order. */
static const char *ids_of(const char *text) {
  static char shown[4096];
  static const char *const positions[] = {
      "root",      "element", "data",      "data[]", "statuses[]", "tweets[]", "users[]",
      "retweeted", "quoted",  "reference", "status", "author",     "mention",  "nowhere"};
  static const char *const kinds[] = {"?", "tweet", "user"};
  static const char *const roles[] = {"own", "edit", "author", "retweets", "retweets-author"};
  char *end = shown;
  *end = '\0';
  if (!walk(text)) return error.message;
  for (uint32_t i = 0; i < walker->id_count; i++) {
    const struct record_id *id = &walker->ids[i];
    const struct record_object *object = &walker->objects[id->object];
    if (id->role == ID_KNOWN) continue;
    end += sprintf(end, "%s%s.%s.%s=%llu", end > shown ? " " : "", positions[object->position],
                   kinds[object->kind], roles[id->role], (unsigned long long)id->id);
  }
  return shown;
}

static void test_tweets(void) {
  CHECK_TEXT("root.tweet.own=1", ids_of("{\"id\":\"1\",\"text\":\"\"}"));
  CHECK_TEXT("root.tweet.own=1", ids_of("{\"id\":1,\"full_text\":\"\"}"));
  CHECK_TEXT("root.tweet.own=2", ids_of("{\"id\":1,\"text\":\"\",\"id_str\":\"2\"}"));
  CHECK_TEXT("root.tweet.own=1", ids_of("{\"id\":1,\"text\":\"\",\"id_str\":null}"));
  CHECK_TEXT("root.tweet.own=1 root.tweet.own=2",
             ids_of("{\"id\":\"1\",\"id\":\"2\",\"text\":\"\"}"));
  CHECK_TEXT("root.tweet.own=7", ids_of("{\"\\u0069d\":\"\\u0037\",\"te\\u0078t\":\"\"}"));
  CHECK_TEXT("root.tweet.own=1 root.tweet.author=5",
             ids_of("{\"id\":\"1\",\"author_id\":\"5\",\"author\":{\"name\":\"x\"}}"));
  CHECK_TEXT("root.tweet.own=1 root.tweet.edit=1 root.tweet.edit=2",
             ids_of("{\"id\":\"1\",\"edit_history_tweet_ids\":[\"1\",\"2\"]}"));
  CHECK_TEXT("", ids_of("{\"id\":\"1\",\"name\":\"a place\"}"));
  CHECK_TEXT("", ids_of("{\"x\":{\"id\":\"1\",\"text\":\"\"},\"text\":\"\"}"));
}

static void test_authors(void) {
  CHECK_TEXT("root.tweet.own=1 author.user.own=2 root.tweet.author=2",
             ids_of("{\"id\":1,\"user\":{\"id\":2,\"screen_name\":\"\"}}"));
  CHECK_TEXT("root.tweet.own=1 author.?.own=2 root.tweet.author=2",
             ids_of("{\"id\":1,\"user\":{\"id\":2}}"));
  CHECK_TEXT("root.tweet.own=1 root.tweet.author=3 author.user.own=2",
             ids_of("{\"id\":1,\"author_id\":3,\"author\":{\"id\":2,\"username\":\"\"}}"));
  CHECK_TEXT("root.user.own=1 status.tweet.own=2",
             ids_of("{\"id\":1,\"screen_name\":\"\",\"status\":{\"id\":2,\"text\":\"\"}}"));
  CHECK_TEXT("root.user.own=1 status.tweet.own=2 status.tweet.author=3",
             ids_of("{\"id\":1,\"screen_name\":\"\",\"status\":{\"id\":2,\"author_id\":3}}"));
}

static void test_nesting(void) {
  CHECK_TEXT("root.tweet.own=1 retweeted.tweet.own=2 quoted.tweet.own=3",
             ids_of("{\"id\":1,\"text\":\"\",\"retweeted_status\":{\"id\":2,\"text\":\"\","
                    "\"quoted_status\":{\"id\":3,\"text\":\"\"}}}"));
  CHECK_TEXT(
      "root.tweet.own=1 reference.?.own=2 reference.tweet.own=3",
      ids_of("{\"id\":1,\"text\":\"\",\"referenced_tweets\":[{\"type\":\"retweeted\",\"id\":2},"
             "{\"id\":3,\"text\":\"\"}]}"));
  CHECK(walker->object_count == 3 && walker->objects[1].retweet && !walker->objects[2].retweet);
  CHECK_TEXT(
      "root.tweet.own=1 mention.user.own=2 mention.user.own=3 mention.user.own=4",
      ids_of("{\"id\":1,\"text\":\"\",\"entities\":{\"mentions\":[{\"id\":2,\"username\":\"\"}],"
             "\"user_mentions\":[{\"id\":3,\"screen_name\":\"\"},{\"id\":9}]},"
             "\"extended_tweet\":{\"entities\":{\"user_mentions\":[{\"id\":4,\"screen_name\":"
             "\"\"}]}}}"));
  CHECK_TEXT(
      "data[].tweet.own=1 data[].user.own=2 tweets[].tweet.own=3 tweets[].tweet.own=4 "
      "users[].user.own=5",
      ids_of("{\"data\":[{\"id\":1,\"text\":\"\"},{\"id\":2,\"username\":\"\"},7],\"includes\":{"
             "\"tweets\":[{\"id\":3,\"text\":\"\"}],\"posts\":[{\"id\":4,\"text\":\"\"}],"
             "\"users\":[{\"id\":5,\"username\":\"\"}],\"media\":[{\"id\":6,\"text\":\"\"}]}}"));
  CHECK_TEXT("data.tweet.own=1", ids_of("{\"data\":{\"id\":1,\"text\":\"\"}}"));
  CHECK_TEXT("statuses[].tweet.own=1", ids_of("{\"statuses\":[{\"id\":1,\"text\":\"\"}]}"));
  CHECK_TEXT("element.tweet.own=1 data.tweet.own=2",
             ids_of("[{\"id\":1,\"text\":\"\"},{\"data\":{\"id\":2,\"text\":\"\"}}]"));
}

/* Places that only a tweet or only a user may have, or that only one of them may be in. */
static void test_wrong_places(void) {
  CHECK_TEXT("", ids_of("{\"retweeted_status\":{\"id\":2,\"text\":\"\"}}"));
  CHECK(walker->objects[1].position == AT_NOWHERE && walker->objects[1].kind == RECORD_NEITHER);
  CHECK_TEXT(
      "root.tweet.own=1",
      ids_of("{\"id\":1,\"text\":\"\",\"status\":{\"id\":2,\"text\":\"\"},\"data\":{\"data\":{"
             "\"id\":3,\"text\":\"\"}}}"));
  CHECK_TEXT("root.tweet.own=1",
             ids_of("{\"id\":1,\"text\":\"\",\"retweeted_status\":{\"id\":2,\"username\":\"\"}}"));
  CHECK_TEXT("users[].user.own=1",
             ids_of("{\"includes\":{\"users\":[{\"id\":1,\"username\":\"\",\"text\":\"\"}]}}"));
}

static void check_refused(const char *expected, const char *text) {
  CHECK(!walk(text) && error.code == ERROR_DATA);
  CHECK(strncmp(error.message, expected, strlen(expected)) == 0);
  if (strncmp(error.message, expected, strlen(expected)) != 0) printf("  %s\n", error.message);
}

static void test_refusals(void) {
  check_refused("f, line 3, byte 106: \"1.26E+18\" is a number that a spreadsheet",
                "{\"id\":1.26E+18,\"text\":\"\"}");
  check_refused("f, line 3, byte 107: \"01\" begins with a zero", "{\"id\":\"01\",\"text\":\"\"}");
  check_refused("f, line 3, byte 106: \"{\" is not an id", "{\"id\":{},\"text\":\"\"}");
  check_refused("f, line 3, byte 100: a tweet without an id", "{\"id\":null,\"text\":\"\"}");
  check_refused("f, line 3, byte 107: \"\" is empty", "{\"id\":\"\",\"text\":\"\"}");
  check_refused("f, line 4, byte 117: a comma or }", "{\"id\":\"1\",\n\"a\":1 \"b\"}");
  check_refused("f, line 3, byte 100: an object was expected", "1");
  check_refused("f, line 3, byte 101: an object was expected", "[1]");
  check_refused("f, line 3, byte 114: \"x\" is not an id", "{\"author_id\":\"x\",\"id\":1}");
  CHECK_TEXT("", ids_of("{\"id\":\"x\",\"name\":\"a place\"}"));
  CHECK_TEXT("root.tweet.own=1", ids_of("{\"id\":1.26E+18,\"id_str\":\"1\",\"text\":\"\"}"));
}

/* The text of a place, and of the text without it. */
static const char *slice(uint32_t start, uint32_t end) {
  static char shown[256];
  snprintf(shown, sizeof shown, "%.*s", (int)(end - start), buffer + start);
  return shown;
}

static const char *without(const struct record_place *place) {
  static char shown[1 << 16];
  uint32_t comma = place->comma_before != RECORD_NONE ? place->comma_before : place->comma_after;
  char *end = shown;
  for (uint32_t i = 0; i < record.size; i++)
    if ((i < place->start || i >= place->end) && i != comma) *end++ = buffer[i];
  *end = '\0';
  return shown;
}

static void test_places(void) {
  const struct record_object *objects;
  CHECK(walk("{\"data\": [{\"id\":1,\"text\":\"\"} , {\"id\":2,\"text\":\"\"}]}"));
  objects = walker->objects;
  CHECK(objects[0].place.list == RECORD_NONE && objects[1].parent == 0);
  CHECK_TEXT("{\"id\":1,\"text\":\"\"}", slice(objects[1].place.start, objects[1].place.end));
  CHECK_TEXT("{\"data\": [  {\"id\":2,\"text\":\"\"}]}", without(&objects[1].place));
  CHECK_TEXT("{\"data\": [{\"id\":1,\"text\":\"\"}  ]}", without(&objects[2].place));
  CHECK(objects[2].place.ordinal == 1 && walker->lists[objects[2].place.list].items == 2);
  CHECK(buffer[walker->lists[objects[2].place.list].open] == '[');
  CHECK(buffer[walker->lists[objects[2].place.list].end - 1] == ']');
  CHECK(walk(
      "{\"id\":1,\"geo\": {\"place_id\":\"p\"},\"quoted_status\" : {\"id\":2,\"text\":\"\"}}"));
  CHECK(walker->part_count == 1 && walker->parts[0].kind == PART_GEO);
  CHECK_TEXT("\"geo\": {\"place_id\":\"p\"}",
             slice(walker->parts[0].place.start, walker->parts[0].place.end));
  CHECK(walker->key_count == 1 && walker->keys[0].kind == PART_PLACE);
  CHECK(json_is(record_text(&record, walker->keys[0].key), "p"));
}

static void test_parts(void) {
  CHECK(walk("{\"data\":[{\"id\":1,\"text\":\"\",\"attachments\":{\"media_keys\":[\"a\",\"b\"],"
             "\"poll_ids\":[\"c\"]}}],\"includes\":{\"media\":[{\"media_key\":\"a\"}],\"polls\":[{"
             "\"id\":\"c\"}],\"places\":[{\"id\":\"d\"},{\"id\":\"e\"}]}}"));
  CHECK(walker->key_count == 3 && walker->part_count == 4);
  CHECK(walker->parts[0].kind == PART_MEDIA && walker->parts[1].kind == PART_POLL);
  CHECK(walker->parts[3].kind == PART_PLACE && walker->parts[3].place.ordinal == 1);
  CHECK(json_is(record_text(&record, walker->parts[3].key), "e"));
  CHECK(json_same(record_text(&record, walker->keys[0].key),
                  record_text(&record, walker->parts[0].key)));
  CHECK(walk(
      "{\"id\":1,\"text\":\"\",\"referenced_tweets\":[{\"type\":\"quoted\",\"id\":\"2\",\"text\":"
      "\"\",\"author\":{\"id\":3,\"username\":\"\"}}]}"));
  CHECK(walker->part_count == 4);
  CHECK(walker->parts[0].kind == PART_REFERENCE_TYPE && walker->parts[1].kind == PART_REFERENCE_ID);
  CHECK(walker->parts[3].kind == PART_REFERENCE_OTHER && walker->parts[3].place.ordinal == 3);
  CHECK_TEXT("\"author\":{\"id\":3,\"username\":\"\"}",
             slice(walker->parts[3].place.start, walker->parts[3].place.end));
}

/* Records of random shape with white space anywhere: whatever is cut, the rest is JSON. */
static char *put(char *to, const char *text) {
  while (draw() % 8 == 0)
    *to++ = " \t\r\n"[draw() % 4];
  memcpy(to, text, strlen(text));
  return to + strlen(text);
}

static char *put_tweet(char *to, int depth) {
  static const char *const plain[] = {
      "\"text\":\"a,}]\\\"\"",
      "\"id\":\"12\"",
      "\"geo\":{\"place_id\":\"p\"}",
      "\"coordinates\":null",
      "\"place\":[]",
      "\"user\":{\"id\":3,\"screen_name\":\"u\"}",
      "\"in_reply_to_user\":{\"id\":\"4\",\"username\":\"u\"}",
      "\"entities\":{\"mentions\":[{\"id\":5,\"username\":\"\"},{}]}",
      "\"x\":[1,{\"id\":6}]"};
  static const char *const nested[] = {
      "\"quoted_status\":", "\"retweeted_status\":", "\"referenced_tweets\":["};
  to = put(to, "{\"id_str\":\"7\"");
  for (uint64_t i = draw() % 7; i > 0; i--) {
    to = put(to, ",");
    if (depth > 0 && draw() % 3 == 0) {
      size_t kind = draw() % 3;
      to = put(to, nested[kind]);
      to = put_tweet(to, depth - 1);
      if (kind == 2 && draw() % 2) to = put_tweet(put(to, ","), depth - 1);
      if (kind == 2) to = put(to, "]");
    } else {
      to = put(to, plain[draw() % (sizeof plain / sizeof *plain)]);
    }
  }
  return put(to, "}");
}

static bool leaves_json(const struct record_place *place) {
  const char *left;
  if (place->list == RECORD_NONE) return true;
  left = without(place);
  return oracle_is_json(left, strlen(left), JSON_DEPTH_MAX);
}

static void test_random_records(void) {
  static char text[1 << 15];
  bool right = true;
  uint64_t places = 0;
  for (int i = 0; i < 5000 && right; i++) {
    *put_tweet(text, 3) = '\0';
    right = walk(text);
    for (uint32_t j = 0; j < walker->object_count && right; j++, places++)
      right = leaves_json(&walker->objects[j].place);
    for (uint32_t j = 0; j < walker->part_count && right; j++, places++)
      right = leaves_json(&walker->parts[j].place);
    if (!right) printf("wrong about: %s\n  %s\n", text, error.message);
  }
  CHECK(right && places > 20000);
}

/* The cheap walk finds the same ids. */
static void test_ids_only(void) {
  static char text[1 << 15], all[1 << 12];
  struct record *full = walker, *cheap = record_new(shapes, RECORD_IDS);
  bool right = true;
  for (int i = 0; i < 2000 && right; i++) {
    *put_tweet(text, 3) = '\0';
    walker = full;
    strcpy(all, ids_of(text));
    walker = cheap;
    right = strcmp(all, ids_of(text)) == 0;
  }
  CHECK(right);
  record_free(cheap);
  walker = full;
}

/* Tweets in tweets to the limit, and one more. */
static void test_depth(void) {
  static char text[1 << 15];
  for (int levels = JSON_DEPTH_MAX; levels <= JSON_DEPTH_MAX + 1; levels++) {
    char *end = text;
    for (int i = 0; i < levels; i++)
      end += sprintf(end, "{\"id\":%d,\"text\":0,\"quoted_status\":", i + 1);
    end += sprintf(end, "null");
    for (int i = 0; i < levels; i++)
      *end++ = '}';
    *end = '\0';
    CHECK(walk(text) == (levels == JSON_DEPTH_MAX));
  }
  CHECK(strstr(error.message, "more than 512 deep"));
}

int main(void) {
  shapes = shapes_new(NULL, &error);
  walker = shapes ? record_new(shapes, RECORD_ALL) : NULL;
  if (!walker) return 1;
  test_tweets();
  test_authors();
  test_nesting();
  test_wrong_places();
  test_refusals();
  test_places();
  test_parts();
  test_random_records();
  test_ids_only();
  test_depth();
  record_free(walker);
  shapes_free(shapes);
  return check_end();
}
