/* columns.c - see columns.h */
#include "dataset/text/columns.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *const column_role_names[COLUMN_ROLES + 1] = {
    "id",          "author", "retweeted", "retweeted_author", "quoted", "quoted_author",
    "quoted_text", "place",  NULL};

/* A name that ends in a star stands for all names that begin like it. */
static const struct {
  enum column_role role;
  const char *name;
} known[] = {
    {COLUMN_WEAK_ID, "id"},
    {COLUMN_ID, "id_str"},
    {COLUMN_ID, "tweet_id"},
    {COLUMN_ID, "status_id"},
    {COLUMN_ID, "tweetid"},
    {COLUMN_ID, "tweet.id"},
    {COLUMN_AUTHOR, "author_id"},
    {COLUMN_AUTHOR, "author.id"},
    {COLUMN_AUTHOR, "user_id"},
    {COLUMN_AUTHOR, "user_id_str"},
    {COLUMN_AUTHOR, "user.id"},
    {COLUMN_AUTHOR, "user.id_str"},
    {COLUMN_AUTHOR, "from_user_id"},
    {COLUMN_AUTHOR, "from_user_id_str"},
    {COLUMN_AUTHOR, "userid"},
    {COLUMN_RETWEETED, "referenced_tweets.retweeted.id"},
    {COLUMN_RETWEETED, "retweeted_status_id"},
    {COLUMN_RETWEETED, "retweet_status_id"},
    {COLUMN_RETWEETED, "retweet_id"},
    {COLUMN_RETWEETED, "retweeted_id"},
    {COLUMN_RETWEETED, "retweeted_status.id"},
    {COLUMN_RETWEETED, "retweeted_status.id_str"},
    {COLUMN_RETWEETED_AUTHOR, "retweeted_user_id"},
    {COLUMN_RETWEETED_AUTHOR, "retweet_user_id"},
    {COLUMN_RETWEETED_AUTHOR, "retweeted_status_user_id"},
    {COLUMN_RETWEETED_AUTHOR, "retweeted_status.user.id"},
    {COLUMN_RETWEETED_AUTHOR, "retweeted_status.user.id_str"},
    {COLUMN_EITHER, "retweet_or_quote_id"},
    {COLUMN_EITHER_AUTHOR, "retweet_or_quote_user_id"},
    {COLUMN_QUOTED, "quoted_status_id"},
    {COLUMN_QUOTED, "quoted_status.id"},
    {COLUMN_QUOTED, "quoted_status.id_str"},
    {COLUMN_QUOTED, "quoted_tweet_id"},
    {COLUMN_QUOTED, "quote_id"},
    {COLUMN_QUOTED, "referenced_tweets.quoted.id"},
    {COLUMN_QUOTED_AUTHOR, "quoted_user_id"},
    {COLUMN_QUOTED_AUTHOR, "quoted_status.user.id"},
    {COLUMN_QUOTED_AUTHOR, "quoted_status.user.id_str"},
    {COLUMN_QUOTED_TEXT, "quoted_text"},
    {COLUMN_QUOTED_TEXT, "quoted_status.text"},
    {COLUMN_QUOTED_TEXT, "quoted_status.full_text"},
    {COLUMN_PLACE, "geo"},
    {COLUMN_PLACE, "geo.*"},
    {COLUMN_PLACE, "coordinates"},
    {COLUMN_PLACE, "coordinates.*"},
    {COLUMN_PLACE, "place"},
    {COLUMN_PLACE, "place.*"},
    {COLUMN_PLACE, "place_*"},
    {COLUMN_PLACE, "lat"},
    {COLUMN_PLACE, "lng"},
    {COLUMN_PLACE, "lon"},
    {COLUMN_PLACE, "latitude"},
    {COLUMN_PLACE, "longitude"},
    {COLUMN_PLACE, "geo_coords"},
    {COLUMN_PLACE, "coords_coords"},
    {COLUMN_PLACE, "bbox_coords"},
    {COLUMN_PLACE, "country"},
    {COLUMN_PLACE, "country_code"},
    {COLUMN_PLACE, "geo_coordinates"},
    {COLUMN_KIND, "tweet_type"},
    {COLUMN_TEXT, "text"},
    {COLUMN_TEXT, "full_text"},
    {COLUMN_USERNAME, "username"},
    {COLUMN_USERNAME, "screen_name"},
};

static bool is_name(const char *name, const char *pattern) {
  size_t size = strlen(pattern);
  if (pattern[size - 1] == '*') return strncasecmp(name, pattern, size - 1) == 0;
  return strcasecmp(name, pattern) == 0;
}

enum column_role columns_role(const char *name) {
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (is_name(name, known[i].name)) return known[i].role;
  return COLUMN_OTHER;
}

struct column_name *columns_copy(const struct column_name *names) {
  struct column_name *copy;
  size_t count = 0;
  if (!names) return NULL;
  while (names[count].name)
    count++;
  copy = calloc(count + 1, sizeof *copy);
  for (size_t i = 0; copy && i < count; i++) {
    copy[i] = (struct column_name){names[i].role, strdup(names[i].name)};
    if (copy[i].name) continue;
    columns_free(copy);
    return NULL;
  }
  return copy;
}

void columns_free(const struct column_name *names) {
  for (size_t i = 0; names && names[i].name; i++)
    free((void *)(uintptr_t)names[i].name);
  free((void *)(uintptr_t)names);
}
