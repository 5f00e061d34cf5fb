/* lua_policy.c - the policy options of Lua: what to do about findings in records */
#include <string.h>

#include "dataset/redaction/batch.h"
#include "lua/skin.h"

static const char *const TREATMENTS[] = {"stop", "quarantine", "remove", NULL};
/* with TREAT_KEEP, of records that are not understood */
static const char *const TREATMENTS_AND_KEEP[] = {"stop", "quarantine", "remove", "keep", NULL};
/* Puts `facts` into the set of the policy for the treatment. */
static void treat(struct policy *policy, uint32_t facts, enum treatment treatment) {
  if (treatment == TREAT_REMOVE) policy->remove |= facts;
  if (treatment == TREAT_QUARANTINE) policy->quarantine |= facts;
  if (treatment == TREAT_STOP) policy->stop |= facts;
}

/* Edited tweets: "keep", "scrub_geo", "quarantine" or "remove". */
static void treat_rehydrate(lua_State *L, const char *name, struct policy *policy,
                            const char *word) {
  if (strcmp(word, "scrub_geo") == 0)
    policy->scrub |= FACT_REHYDRATE;
  else if (strcmp(word, "quarantine") == 0)
    treat(policy, FACT_REHYDRATE, TREAT_QUARANTINE);
  else if (strcmp(word, "remove") == 0)
    treat(policy, FACT_REHYDRATE, TREAT_REMOVE);
  else if (strcmp(word, "keep") != 0)
    skin_misuse(L,
                "%s: rehydrate must be 'keep', 'scrub_geo', 'quarantine' or 'remove', not '%.40s'",
                name, word);
}

/* One reason of the table: policy[reason] = "remove" | "quarantine" | "keep". */
static void treat_reason(lua_State *L, const char *name, struct policy *policy, const char *reason,
                         const char *word) {
  uint32_t fact = fact_named(reason);
  bool keep = strcmp(word, "keep") == 0, remove = strcmp(word, "remove") == 0;
  char names[256];
  if (!fact) {
    fact_names(names, sizeof names);
    skin_misuse(L, "%s: there is no reason '%.40s' (%s)", name, reason, names);
  }
  if (fact == FACT_SCRUB_GEO) {
    if (!keep && !remove)
      skin_misuse(L, "%s: scrub_geo must be 'remove' or 'keep', not '%.40s'", name, word);
    if (keep) policy->scrub &= ~(uint32_t)FACT_SCRUB_GEO;
    return;
  }
  if (fact == FACT_REHYDRATE) {
    treat_rehydrate(L, name, policy, word);
    return;
  }
  if (!keep && !remove && strcmp(word, "quarantine") != 0)
    skin_misuse(L, "%s: %s must be 'remove', 'quarantine' or 'keep', not '%.40s'", name, reason,
                word);
  policy->remove &= ~fact;
  if (!keep) treat(policy, fact, remove ? TREAT_REMOVE : TREAT_QUARANTINE);
}

void skin_default_policy(struct policy *policy) {
  memset(policy, 0, sizeof *policy);
  policy->remove = FACT_DELETE;
  policy->scrub = FACT_SCRUB_GEO;
  policy->rehydrate = FACT_REHYDRATE;
  treat(policy, FACT_UNKNOWN | FACT_INVALID, TREAT_STOP);
}

void skin_policy(lua_State *L, int index, const char *name, struct policy *policy) {
  int on_unknown = skin_optional_choice(L, index, name, "on_unknown", TREAT_STOP, TREATMENTS);
  int top = lua_gettop(L);
  skin_default_policy(policy);
  policy->stop = 0;
  treat(policy, FACT_UNKNOWN | FACT_INVALID, (enum treatment)on_unknown);
  lua_pushliteral(L, "policy");
  lua_rawget(L, index);
  if (lua_isnil(L, -1)) {
    lua_settop(L, top);
    return;
  }
  if (!lua_istable(L, -1)) skin_misuse(L, "%s: policy must be a table", name);
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING)
      skin_misuse(L, "%s: policy must be a table of strings by reasons", name);
    treat_reason(L, name, policy, lua_tostring(L, -2), lua_tostring(L, -1));
    lua_pop(L, 1);
  }
  lua_settop(L, top);
}

enum treatment skin_on_malformed(lua_State *L, int index, const char *name) {
  return (enum treatment)skin_optional_choice(L, index, name, "on_malformed", TREAT_STOP,
                                              TREATMENTS);
}

enum treatment skin_on_unrecognised(lua_State *L, int index, const char *name) {
  return (enum treatment)skin_optional_choice(L, index, name, "on_unrecognised", TREAT_STOP,
                                              TREATMENTS_AND_KEEP);
}
