-- What each day cost, about, in US dollars: what each event takes (docs/cost.md) at list prices. Left out: storage, traffic, waiting, tracing, mail.
SELECT
  coalesce(dt, 'all') AS day,
  round(sum(api), 6) AS api_usd,
  round(sum(functions), 6) AS lambda_usd,
  round(sum(s3), 6) AS s3_usd,
  round(sum(dynamodb), 6) AS dynamodb_usd,
  round(sum(messages), 6) AS sqs_sns_usd,
  round(sum(logs), 6) AS logs_usd,
  round(sum(api + functions + s3 + dynamodb + messages + logs), 6) AS total_usd
FROM (
  SELECT
    dt,
    requests * api_million_requests / 1E6 AS api,
    -- Each event is what came of one call.
    lambda_million_calls / 1E6
      + (ingest_seconds * ingest_gigabytes + resize_seconds * resize_gigabytes) * lambda_gigabyte_second AS functions,
    (puts * s3_thousand_puts + gets * s3_thousand_gets) / 1E3 AS s3,
    (writes * dynamodb_million_writes + reads * dynamodb_million_reads) / 1E6 AS dynamodb,
    (queue_requests * sqs_million_requests + sns_million_events) / 1E6 AS messages,
    2.4E3 * logs_gigabyte / 1E9 AS logs
  FROM (
    SELECT
      dt,
      CASE
        WHEN type IN ('image.received', 'image.duplicate') THEN greatest(1E0, ceil(original_bytes / 524288E0))
        WHEN type = 'link.served' THEN 1E0
        ELSE 0E0
      END AS requests,
      CASE WHEN type IN ('image.received', 'image.duplicate') THEN 3E-1 ELSE 0E0 END AS ingest_seconds,
      coalesce(resize_milliseconds, 0) / 1E3 AS resize_seconds,
      CASE type WHEN 'image.received' THEN 1 WHEN 'image.ready' THEN cardinality(thumbnails) ELSE 0 END AS puts,
      CASE WHEN type IN ('image.ready', 'image.failed', 'link.served') THEN 1 ELSE 0 END AS gets,
      CASE
        WHEN type IN ('image.received', 'image.ready', 'image.failed') THEN 3
        WHEN type = 'image.duplicate' THEN 1
        ELSE 0
      END AS writes,
      1 AS reads,
      CASE WHEN type IN ('image.ready', 'image.failed') THEN 4 ELSE 0 END AS queue_requests
    FROM events
  ) AS taken
  CROSS JOIN prices
) AS costs
GROUP BY ROLLUP (dt)
-- There is a sum of nothing as well.
HAVING count(*) > 0
ORDER BY dt
