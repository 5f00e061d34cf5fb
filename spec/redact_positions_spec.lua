-- The table of docs/redaction.md, row by row: what stands where, before and after. In these
-- examples tweets 13 and 17 and users 23 and 27 are condemned, tweet 19 and user 29 are to lose
-- their places, and tweet 31 was edited.
-- luacheck: no max line length

local dataset = require "xcompliance.dataset"
local scratches = require "spec.support.scratch"

describe("redaction", function()
  local scratch, verdicts

  setup(function()
    scratch = scratches.new()
    scratch:write("tweets.results", [[
{"id":"13","action":"delete","created_at":"2019-08-10T12:22:39.022Z","reason":"deleted"}
{"id":"17","action":"delete","created_at":"2019-08-10T12:22:39.022Z","reason":"suspended"}
{"id":"19","action":"delete","created_at":"2019-08-10T12:22:39.022Z","reason":"scrub_geo"}
{"id":"31","action":"rehydrate","created_at":"2019-08-10T12:22:39.022Z","reason":"tweet_edited"}
]])
    scratch:write("users.results", [[
{"id":"23","action":"delete","created_at":"2011-11-02T15:26:18+00:00","reason":"deactivated"}
{"id":"27","action":"delete","created_at":"2011-11-02T15:26:18+00:00","reason":"protected"}
{"id":"29","action":"scrub_geo","created_at":"2011-11-02T15:26:18+00:00","reason":"geo_scrubbed"}
]])
    verdicts = assert(dataset.verdicts {
      tweets = scratch:at("tweets.results"), users = scratch:at("users.results"),
    })
  end)

  teardown(function()
    verdicts:close()
    scratch:remove()
  end)

  local on_unrecognised

  --- Redacts one record; returns what is left, "" for a dropped one.
  local function redact(record, strict, policy)
    local counts = assert(dataset.redact {
      verdicts = verdicts, inputs = scratch:write("in.jsonl", record .. "\n"),
      output = scratch:at("out.jsonl"), strict = strict, policy = policy,
      on_unrecognised = on_unrecognised,
      rehydrate = scratch:at("rehydrate"),
    })
    assert.equal(1, counts.records)
    assert.equal(1, counts.kept + counts.changed + counts.dropped)
    local left = scratch:read("out.jsonl"):gsub("\n$", "")
    assert.equal(left, verdicts:redact(record, {
      strict = strict, policy = policy, on_unrecognised = on_unrecognised,
    }) or "")
    return left
  end

  local CONDEMNED = { tweets = { "13", "17" }, users = { "23", "27" } }

  --- Whether extraction finds nothing in what is left that is condemned.
  local function holds_none(policy)
    for type, ids in pairs(CONDEMNED) do
      assert(dataset.extract {
        type = type, inputs = scratch:at("out.jsonl"), output = scratch:at("ids"),
        on_unrecognised = on_unrecognised == "keep" and "skip" or nil,
      })
      local found = "\n" .. scratch:read("ids")
      for _, id in ipairs(policy and {} or ids) do
        assert.is_nil(found:find("\n" .. id .. "\n", 1, true))
      end
    end
  end

  --- A test: each pair is a record before and after.
  local function turns(what, pairs_of_records, policy)
    it(what, function()
      for i = 1, #pairs_of_records, 2 do
        local before, after = pairs_of_records[i], pairs_of_records[i + 1]
        assert.equal(after, redact(before, nil, policy))
        assert.equal(after, redact(before, true, policy))
        holds_none(policy)
        -- once more changes nothing
        if after ~= "" then assert.equal(after, redact(after, nil, policy)) end
      end
    end)
  end

  local function stays(what, records, policy)
    local both = {}
    for _, record in ipairs(records) do
      both[#both + 1] = record
      both[#both + 1] = record
    end
    turns(what, both, policy)
  end

  describe("of a condemned tweet", function()
    turns("that is the record itself drops the record", {
      '{"id":"13","text":"a"}', "",
      '{"id":13,"full_text":"a"}', "",
      '{"id":1.3e1,"id_str":"13","text":"a"}', "",
      '{"id":"99","id_str":"17","user":{"id":1}}', "",
    })

    turns("that is the `data` of a record drops the record", {
      '{"data":{"id":"13","text":"a"},"includes":{"users":[{"id":"1","username":"b"}]}}', "",
    })

    turns("in `data`, `statuses` or `includes` removes the element", {
      '{"data":[{"id":"13","text":"a"},{"id":"1","text":"b"}]}',
      '{"data":[{"id":"1","text":"b"}]}',
      '{"data":[{"id":"1","text":"b"}, {"id":"13","text":"a"}]}',
      '{"data":[{"id":"1","text":"b"} ]}',
      '{"data":[{"id":"1","text":"b"} , {"id":"13","text":"a"} , {"id":"2","text":"c"}]}',
      '{"data":[{"id":"1","text":"b"}   , {"id":"2","text":"c"}]}',
      '{"statuses":[{"id":1,"text":"b"},{"id":17,"text":"a"}],"search_metadata":{}}',
      '{"statuses":[{"id":1,"text":"b"}],"search_metadata":{}}',
      '{"data":{"id":"1","text":"b"},"includes":{"tweets":[{"id":"13","text":"a"}]}}',
      '{"data":{"id":"1","text":"b"},"includes":{"tweets":[]}}',
      '{"data":{"id":"1","text":"b"},"includes":{"posts":[{"id":"2","text":"c"},{"id":"13","text":"a"}]}}',
      '{"data":{"id":"1","text":"b"},"includes":{"posts":[{"id":"2","text":"c"}]}}',
    })

    turns("in `data` or `statuses` drops a record of which that leaves nothing", {
      '{"data":[{"id":"13","text":"a"},{"id":"17","text":"b"}],"meta":{"result_count":2}}', "",
      '{"statuses":[{"id":13,"text":"a"}]}', "",
    })

    turns("as `retweeted_status` condemns the tweet around it", {
      '{"id":1,"text":"RT","user":{"id":2},"retweeted_status":{"id":13,"text":"a"}}', "",
      '{"id":1,"text":"RT","retweeted_status":{"id":3,"text":"a","user":{"id":23}}}', "",
      '{"data":[{"id":"1","text":"b"},{"id":"2","text":"RT","retweeted_status":{"id":13,"text":"a"}}]}',
      '{"data":[{"id":"1","text":"b"}]}',
    })

    turns("as `quoted_status` removes the member", {
      '{"id":1,"text":"a","quoted_status":{"id":13,"text":"b"},"lang":"en"}',
      '{"id":1,"text":"a","lang":"en"}',
      '{"id":1,"text":"a", "quoted_status" : {"id":13,"text":"b"}}',
      '{"id":1,"text":"a" }',
      '{"quoted_status":{"id":5,"text":"RT","retweeted_status":{"id":13,"text":"b"}},"id":1,"text":"a"}',
      '{"id":1,"text":"a"}',
    })

    turns("as `status` of a user removes the member", {
      '{"id":1,"screen_name":"a","status":{"id":13,"text":"b"}}',
      '{"id":1,"screen_name":"a"}',
    })

    turns("referred to with its body leaves its type and id", {
      '{"id":"1","text":"a","referenced_tweets":[{"type":"quoted","id":"13","text":"b","lang":"en"}]}',
      '{"id":"1","text":"a","referenced_tweets":[{"type":"quoted","id":"13"}]}',
      '{"id":"1","text":"a","referenced_posts":[{"text":"b","id":"13","author":{"id":"2"},"type":"replied_to"}]}',
      '{"id":"1","text":"a","referenced_posts":[{"id":"13","type":"replied_to"}]}',
      '{"id":"1","text":"a","referenced_tweets":[{"type":"quoted","id":"3","text":"b","author_id":"23"}]}',
      '{"id":"1","text":"a","referenced_tweets":[{"type":"quoted","id":"3"}]}',
    })
  end)

  describe("of a retweet", function()
    turns("that only names a condemned tweet drops it", {
      '{"id":"1","text":"RT","referenced_tweets":[{"type":"retweeted","id":"13"}]}', "",
      '{"id":"1","text":"RT","referenced_tweets":[{"type":"retweeted","id":"3","text":"a","author_id":"23"}]}',
      "",
    })

    stays("leaves a quote and a reply that only name one", {
      '{"id":"1","text":"a","referenced_tweets":[{"type":"quoted","id":"13"},{"type":"replied_to","id":"17"}]}',
    })
  end)

  describe("of a tweet", function()
    turns("drops it where another version of it is condemned", {
      '{"id":"1","text":"a","edit_history_tweet_ids":["13","1"]}', "",
      '{"id":"1","text":"a","edit_history_post_ids":["2","17"]}', "",
    })

    turns("drops it where its author is condemned", {
      '{"id":"1","text":"a","author_id":"23"}', "",
      '{"id":1,"text":"a","user":{"id":23,"screen_name":"b"}}', "",
      '{"id":"1","text":"a","author":{"id":"27","username":"b"}}', "",
      '{"id":1,"text":"a","user":{"id":27}}', "",
    })

    stays("leaves it for other mentions of an id", {
      '{"id":"1","text":"https://x.com/i/status/13","conversation_id":"13","in_reply_to_user_id":"23"}',
      '{"id":1,"text":"a","in_reply_to_status_id":13,"in_reply_to_status_id_str":"13"}',
      '{"id":"23","text":"a tweet with the number of a user","author_id":"13"}',
      '{"id":"1","text":"a","context_annotations":[{"domain":{"id":"13"},"entity":{"id":"23"}}]}',
    })
  end)

  describe("of a condemned user", function()
    turns("that is the record itself, or its `data`, drops the record", {
      '{"id":"23","username":"a","name":"A"}', "",
      '{"data":{"id":"23","username":"a"}}', "",
    })

    turns("in `data` or `includes.users` removes the element", {
      '{"data":[{"id":"23","username":"a"},{"id":"1","username":"b"}]}',
      '{"data":[{"id":"1","username":"b"}]}',
      '{"data":{"id":"1","text":"a"},"includes":{"users":[{"id":"2","username":"b"},{"id":"27","username":"a"}]}}',
      '{"data":{"id":"1","text":"a"},"includes":{"users":[{"id":"2","username":"b"}]}}',
      '{"data":[{"id":"23","username":"a"}]}', "",
    })

    turns("as `in_reply_to_user` removes the member", {
      '{"id":"1","text":"a","in_reply_to_user":{"id":"23","username":"b"},"lang":"en"}',
      '{"id":"1","text":"a","lang":"en"}',
    })

    turns("in `mentions` or `user_mentions` removes the element", {
      '{"id":"1","text":"@b","entities":{"mentions":[{"start":0,"id":"23","username":"b"}]}}',
      '{"id":"1","text":"@b","entities":{"mentions":[]}}',
      '{"id":1,"text":"@b","entities":{"user_mentions":[{"id":3,"screen_name":"c"},{"id":27,"screen_name":"b"}]}}',
      '{"id":1,"text":"@b","entities":{"user_mentions":[{"id":3,"screen_name":"c"}]}}',
      '{"id":1,"text":"@b","extended_tweet":{"entities":{"user_mentions":[{"id":23,"screen_name":"b"}]}}}',
      '{"id":1,"text":"@b","extended_tweet":{"entities":{"user_mentions":[]}}}',
    })
  end)

  describe("of places", function()
    turns("removes `geo`, `coordinates` and `place`; the tweet stays", {
      '{"id":"19","text":"a","geo":{"place_id":"x"},"lang":"en"}',
      '{"id":"19","text":"a","lang":"en"}',
      '{"geo":null,"coordinates":{"type":"Point"},"id":19,"text":"a","place":{"id":"x"}}',
      '{"id":19,"text":"a"}',
      '{"id":"1","text":"a","author_id":"29","geo":{"place_id":"x"}}',
      '{"id":"1","text":"a","author_id":"29"}',
    })

    stays("leaves those of other tweets, and of who only mentions one", {
      '{"id":"1","text":"a","geo":{"place_id":"x"},"referenced_tweets":[{"type":"quoted","id":"19"}]}',
      '{"id":"1","text":"a","author_id":"19","geo":{"place_id":"x"}}',
      '{"id":"29","username":"a","location":"here"}',
    })
  end)

  describe("of an edited tweet", function()
    local EDITED = '{"id":"31","text":"a","geo":{"place_id":"x"}}'
    local QUOTED = '{"id":"1","text":"b","geo":{},"quoted_status":' .. EDITED .. "}"
    local VERSION = '{"id":"32","text":"new","geo":{},"edit_history_tweet_ids":["31","32"]}'

    stays("keeps it as it is, unless the policy says otherwise", { EDITED, QUOTED, VERSION })
    stays("keeps it where the policy says so", { EDITED, QUOTED }, { rehydrate = "keep" })

    turns("removes its places, which the author may have removed", {
      EDITED, '{"id":"31","text":"a"}',
      QUOTED, '{"id":"1","text":"b","geo":{},"quoted_status":{"id":"31","text":"a"}}',
      VERSION, VERSION,
    }, { rehydrate = "scrub_geo", scrub_geo = "keep" })

    turns("removes it like a deleted one; a newer version stays", {
      EDITED, "",
      QUOTED, '{"id":"1","text":"b","geo":{}}',
      '{"id":"1","text":"RT","retweeted_status":' .. EDITED .. "}", "",
      VERSION, VERSION,
    }, { rehydrate = "remove" })

    it("quarantines its record", function()
      local counts = assert(dataset.redact {
        verdicts = verdicts, inputs = scratch:write("in.jsonl", EDITED .. "\n" .. VERSION .. "\n"),
        output = scratch:at("out.jsonl"), quarantine = scratch:at("q.jsonl"),
        policy = { rehydrate = "quarantine" },
      })
      assert.same({ 1, 1, { rehydrate = 1 } }, { counts.kept, counts.quarantined, counts.tweets })
      assert.equal(VERSION .. "\n", scratch:read("out.jsonl"))
      assert.equal(EDITED .. "\n", scratch:read("q.jsonl"))
    end)

    it("lists its id where it stays", function()
      for _, case in ipairs {
        { "keep", "31\n" }, { "scrub_geo", "31\n" }, { "remove", "" },
      } do
        redact(QUOTED, nil, { rehydrate = case[1] })
        assert.equal(case[2], scratch:read("rehydrate"))
      end
      redact('{"id":"1","text":"b","author_id":"23","quoted_status":' .. EDITED .. "}")
      assert.equal("", scratch:read("rehydrate"))
    end)
  end)

  describe("of what a page includes", function()
    turns("removes media, polls and places that only removed tweets referred to", {
      '{"data":[{"id":"13","text":"a","attachments":{"media_keys":["3_1","3_2"]}},'
        .. '{"id":"1","text":"b","attachments":{"media_keys":["3_2"]}}],'
        .. '"includes":{"media":[{"media_key":"3_1"},{"media_key":"3_2"},{"media_key":"3_9"}]}}',
      '{"data":['
        .. '{"id":"1","text":"b","attachments":{"media_keys":["3_2"]}}],'
        .. '"includes":{"media":[{"media_key":"3_2"},{"media_key":"3_9"}]}}',
      '{"data":[{"id":"1","text":"b"},{"id":"17","text":"a","attachments":{"poll_ids":["5"]},'
        .. '"geo":{"place_id":"p"}}],"includes":{"polls":[{"id":"5"}],"places":[{"id":"q"},{"id":"p"}]}}',
      '{"data":[{"id":"1","text":"b"}],"includes":{"polls":[],"places":[{"id":"q"}]}}',
    })

    turns("removes places that only scrubbed tweets referred to, but their media stay", {
      '{"data":[{"id":"19","text":"a","geo":{"place_id":"p"},"attachments":{"media_keys":["3_1"]}}],'
        .. '"includes":{"places":[{"id":"p"}],"media":[{"media_key":"3_1"}]}}',
      '{"data":[{"id":"19","text":"a","attachments":{"media_keys":["3_1"]}}],'
        .. '"includes":{"places":[],"media":[{"media_key":"3_1"}]}}',
    })

    stays("leaves what nothing referred to before", {
      '{"data":[{"id":"1","text":"b"}],"includes":{"media":[{"media_key":"3_1"}],"tweets":[]}}',
    })
  end)

  describe("of objects that only some programs write:", function()
    turns("a tweet in `pinned_tweet` of a user removes the member", {
      '{"id":"1","username":"a","pinned_tweet_id":"13","pinned_tweet":{"id":"13","text":"b"}}',
      '{"id":"1","username":"a","pinned_tweet_id":"13"}',
      '{"id":"1","username":"a","pinned_tweet":{"id":"2","text":"b","author_id":"23"},"name":"A"}',
      '{"id":"1","username":"a","name":"A"}',
    })

    turns("a mention in a long post removes the element", {
      '{"id":"1","text":"a","note_tweet":{"text":"b","entities":{"mentions":[{"id":"23","username":"c"}]}}}',
      '{"id":"1","text":"a","note_tweet":{"text":"b","entities":{"mentions":[]}}}',
    })

    turns("the owner of a medium removes the member", {
      '{"id":1,"text":"a","entities":{"media":[{"id":5,"additional_media_info":{"source_user":{"id":23,"screen_name":"b"},"x":1}}]}}',
      '{"id":1,"text":"a","entities":{"media":[{"id":5,"additional_media_info":{"x":1}}]}}',
      '{"id":1,"text":"a","extended_entities":{"media":[{"additional_media_info":{"source_user":{"id":27,"screen_name":"b"}}}]}}',
      '{"id":1,"text":"a","extended_entities":{"media":[{"additional_media_info":{}}]}}',
      '{"id":1,"text":"a","extended_tweet":{"entities":{"media":[{"additional_media_info":{"source_user":{"id":27,"screen_name":"b"}}}]}}}',
      '{"id":1,"text":"a","extended_tweet":{"entities":{"media":[{"additional_media_info":{}}]}}}',
    })

    turns("academictwitteR's lists lose their elements, and what only those referred to", {
      '{"users":[{"id":"23","username":"a"},{"id":"1","username":"b"}],"tweets":[{"id":"13","text":"a","attachments":{"media_keys":["3_1"]}}],"media":[{"media_key":"3_1"}]}',
      '{"users":[{"id":"1","username":"b"}],"tweets":[],"media":[]}',
    })

    turns("activities go by their id, their actor, or what they share", {
      '{"id":"tag:search.twitter.com,2005:13","verb":"post","body":"a"}', "",
      '{"id":"tag:search.twitter.com,2005:1","verb":"post","actor":{"id":"id:twitter.com:23","preferredUsername":"a"}}', "",
      '{"id":"tag:search.twitter.com,2005:1","verb":"share","object":{"id":"tag:search.twitter.com,2005:17","verb":"post"}}', "",
      '{"id":"tag:search.twitter.com,2005:1","verb":"post","body":"a","twitter_quoted_status":{"id":"tag:search.twitter.com,2005:13","verb":"post"}}',
      '{"id":"tag:search.twitter.com,2005:1","verb":"post","body":"a"}',
      '{"id":"tag:search.twitter.com,2005:1","verb":"post","twitter_entities":{"user_mentions":[{"id":23,"screen_name":"b"}]}}',
      '{"id":"tag:search.twitter.com,2005:1","verb":"post","twitter_entities":{"user_mentions":[]}}',
      '{"id":"tag:search.twitter.com,2005:19","verb":"post","geo":{},"location":{},"actor":{"id":"id:twitter.com:1","location":{}}}',
      '{"id":"tag:search.twitter.com,2005:19","verb":"post","actor":{"id":"id:twitter.com:1","location":{}}}',
    })

    turns("records of Elasticsearch and MongoDB go with the tweet in them", {
      '{"_index":"t","_id":"13","_source":{"id":"13","text":"a"}}', "",
      '{"_index":"t","_id":"1","_source":{"id":"1","text":"a","quoted_status":{"id":"13","text":"b"}}}',
      '{"_index":"t","_id":"1","_source":{"id":"1","text":"a"}}',
      '{"hits":{"total":2,"hits":[{"_source":{"id":"13","text":"a"}},{"_source":{"id":"1","text":"b"}}]}}',
      '{"hits":{"total":2,"hits":[{"_source":{"id":"1","text":"b"}}]}}',
      '{"_id":{"$numberLong":"13"},"text":"a"}', "",
      '{"_id":"17","text":"a"}', "",
      '{"_id":{"$oid":"5f"},"id":{"$numberLong":"1"},"text":"a","user":{"id":{"$numberLong":"23"},"screen_name":"b"}}', "",
    })

    turns("a user's archive loses tweets and likes", {
      '{"tweet":{"id":"13","full_text":"a"}}', "",
      '{"like":{"tweetId":"17","fullText":"c"}}', "",
      '{"tweet":{"id":"1","full_text":"a","edit_info":{"initial":{"editTweetIds":["13","1"]}}}}', "",
      '{"tweet":{"id":"1","full_text":"a","entities":{"user_mentions":[{"id":"23","screen_name":"b"}]}}}',
      '{"tweet":{"id":"1","full_text":"a","entities":{"user_mentions":[]}}}',
    })

    turns("captures of GraphQL", {
      '{"rest_id":"13","legacy":{"full_text":"a"}}', "",
      '{"id":"VHdlZXQ6MTM","rest_id":"1","legacy":{"id_str":"1","full_text":"a","user_id_str":"23"}}', "",
      '{"rest_id":"1","core":{"user_results":{"result":{"rest_id":"23","legacy":{"screen_name":"b"}}}},"legacy":{"full_text":"a"}}', "",
      '{"rest_id":"1","legacy":{"full_text":"a","retweeted_status_result":{"result":{"rest_id":"13","legacy":{"full_text":"b"}}}}}', "",
      '{"rest_id":"1","legacy":{"full_text":"a"},"quoted_status_result":{"result":{"rest_id":"13","legacy":{"full_text":"b"}}}}',
      '{"rest_id":"1","legacy":{"full_text":"a"},"quoted_status_result":{}}',
      '{"rest_id":"1","legacy":{"full_text":"a"},"quoted_status_result":{"result":{"__typename":"TweetWithVisibilityResults","tweet":{"rest_id":"13","legacy":{"full_text":"b"}}}}}',
      '{"rest_id":"1","legacy":{"full_text":"a"},"quoted_status_result":{}}',
      '{"data":{"__typename":"TweetWithVisibilityResults","tweet":{"rest_id":"13","legacy":{"full_text":"b"}}}}', "",
      '{"rest_id":"19","legacy":{"full_text":"a","place":{},"coordinates":null}}',
      '{"rest_id":"19","legacy":{"full_text":"a"}}',
      '{"__typename":"User","id":"VXNlcjoyMw","rest_id":"23","core":{"screen_name":"a"},"legacy":{}}', "",
    })

    turns("records of scrapers", {
      '{"id":13,"user_id":1,"username":"a","tweet":"b"}', "",
      '{"id":1,"user_id":23,"username":"a","tweet":"b"}', "",
      '{"id":1,"user_id":2,"tweet":"b","retweet_id":"13"}', "",
      '{"id":1,"user_id":2,"tweet":"b","retweet_id":"","mentions":[{"id":"23","screen_name":"c"}],"reply_to":[{"id":"27","screen_name":"d"}]}',
      '{"id":1,"user_id":2,"tweet":"b","retweet_id":"","mentions":[],"reply_to":[]}',
      '{"id":13,"rawContent":"a","user":{"id":1,"username":"b"}}', "",
      '{"id":1,"rawContent":"a","user":{"id":2,"username":"b"},"retweetedTweet":{"id":17,"rawContent":"c"}}', "",
      '{"id":1,"content":"a","quotedTweet":{"id":13,"content":"b"},"mentionedUsers":[{"id":23,"username":"c"}],"inReplyToUser":{"id":27,"username":"d"}}',
      '{"id":1,"content":"a","mentionedUsers":[]}',
      '{"id":"1","text":"a","author":{"id":"23","userName":"b"}}', "",
      '{"id":"1","text":"a","retweeted_tweet":{"id":"13","text":"b"}}', "",
      '{"id":"1","text":"a","quote":{"id":"3","text":"b","author":{"id":"23","userName":"c"}}}',
      '{"id":"1","text":"a"}',
      '{"tweet_id":"13","user_id":"1","text":"a","screen_name":"b"}', "",
      '{"tweet_id":"1","user_id":"23","text":"a","screen_name":"b"}', "",
      '{"id":"1","user_id":"27","screen_name":"a"}', "",
      '{"id":"1","text":"a","retweeted_status_id":"13"}', "",
      '{"id":"1","text":"a","retweeted_user_id":"23"}', "",
    })

    turns("maps of tweets and users, and lists of results", {
      '{"globalObjects":{"tweets":{"13":{"id_str":"13","full_text":"a"},"1":{"id_str":"1","full_text":"b"}},"users":{"23":{"id_str":"23","screen_name":"c"}}}}',
      '{"globalObjects":{"tweets":{"1":{"id_str":"1","full_text":"b"}},"users":{}}}',
      '{"globalObjects":{"tweets":{"1":{"id_str":"1","full_text":"b","user_id_str":"23"}},"users":{}}}', "",
      '{"results":[{"id_str":"1","text":"a","from_user_id_str":"23"},{"id_str":"2","text":"b"}]}',
      '{"results":[{"id_str":"2","text":"b"}]}',
    })

    stays("known references in them are neither", {
      '{"_id":"13","id":"1","text":"a"}',
      '{"id":1,"conversationId":13,"rawContent":"a","inReplyToTweetId":13}',
      '{"id":"1","text":"a","quoteId":"13","inReplyToUserId":"23","author":{"id":"2","userName":"b"}}',
      '{"id":"tag:search.twitter.com,2005:1","verb":"post","object":{"id":"object:search.twitter.com,2005:13"}}',
    })
  end)

  describe("of `includes`", function()
    stays("that are not an object passes them", {
      '{"data":[{"id":"1","text":"b"}],"includes":null}', '{"data":[{"id":"1","text":"b"}],"includes":[]}',
      '{"data":[{"id":"1","text":"b"}],"includes":"none"}', '{"data":[{"id":"1","text":"b"}],"includes":7}',
      '{"includes":{"tweets":null,"users":"none","media":{},"places":7},"data":[{"id":"1","text":"b"}]}',
    })
  end)

  describe("finds its way", function()
    turns("through escapes in keys and ids", {
      '{"\\u0069d":"13","t\\u0065xt":"a"}', "",
      '{"id":"\\u0031\\u0033","text":"a"}', "",
      '{"id":"1","text":"a","\\u0061uthor_id":"2\\u0033"}', "",
      '{"id":"1","text":"a","quoted\\u005fstatus":{"id":"13","text":"b"}}',
      '{"id":"1","text":"a"}',
    })

    it("through arrays of records, one a line: each element is a record, and the line stays", function()
      local counts = assert(dataset.redact {
        verdicts = verdicts, output = scratch:at("out.jsonl"),
        inputs = scratch:write("in.jsonl", '[{"id":"13","text":"a"}, {"id":"1","text":"b"}]\n'
          .. ' [{"id":"13","text":"a"},{"data":[{"id":"17","text":"b"}]} ]\n[]\n'),
      })
      assert.same({ 4, 1, 0, 3 }, { counts.records, counts.kept, counts.changed, counts.dropped })
      assert.equal('[ {"id":"1","text":"b"}]\n [ ]\n[]\n', scratch:read("out.jsonl"))
    end)

    turns("where keys stand twice: each counts", {
      '{"id":"1","id":"13","text":"a"}', "",
      '{"id":"13","id":"1","text":"a"}', "",
      '{"id":"1","text":"a","author_id":"2","author_id":"23"}', "",
      '{"id":1,"text":"a","quoted_status":{"id":13,"text":"b"},"quoted_status":{"id":2,"text":"c"}}',
      '{"id":1,"text":"a","quoted_status":{"id":2,"text":"c"}}',
    })

    stays("past members of a page that are of another type", {
      '{"data":{"id":"1","text":"a"},"includes":null}', '{"data":[{"id":"1","text":"a"}],"includes":[]}',
      '{"data":[{"id":"1","text":"a"},7,"x",null],"includes":"none"}', '{"id":"1","text":"a","user":null,"entities":[],"quoted_status":7}',
      '{"statuses":{},"data":{"id":"1","text":"a"}}', '{"id":1,"text":"a","retweeted_status":null,"referenced_tweets":{}}',
    })

    stays("past what is neither tweet nor user", {
      '{"id_str":"131","text":"longer"}', '{"id":"3","text":"shorter"}',
      '{"id":1,"text":"a","quoted_status":{"id":13}}',
    })

    describe("if asked to keep what it does not understand,", function()
      setup(function() on_unrecognised = "keep" end)
      teardown(function() on_unrecognised = nil end)

      stays("past it", {
        '{"id":"13"}', '{"id":"13","title":"no tweet"}', '{"data":{"id":"13","name":"no user"}}',
        '{"id":"1","text":"a","analysis":{"tweet_id":"13"}}',
      })
    end)
  end)
end)
