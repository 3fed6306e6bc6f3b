-- What each day cost, about, in US dollars: what each event takes (docs/cost.md) at list prices. Left out: storage, traffic, waiting, tracing, mail.
SELECT
  coalesce(dt, 'all') AS day,
  round(sum(api), 6) AS api_usd,
  round(sum(functions), 6) AS lambda_usd,
  round(sum(s3), 6) AS s3_usd,
  round(sum(dynamodb_usd), 6) AS dynamodb_usd,
  round(sum(sqs_sns_usd), 6) AS sqs_sns_usd,
  round(sum(logs_usd), 6) AS logs_usd,
  round(sum(api + functions + s3 + dynamodb_usd + sqs_sns_usd + logs_usd), 6) AS total_usd
FROM (
  SELECT
    dt,
    api_usd * greatest(1E0, ceil(coalesce(original_bytes, 0) / api_unit_bytes)) AS api,
    lambda_usd + resize_second_usd * coalesce(resize_milliseconds, 0) / 1E3 AS functions,
    s3_usd + thumbnail_usd * coalesce(cardinality(thumbnails), 0) AS s3,
    dynamodb_usd,
    sqs_sns_usd,
    logs_usd
  FROM events
  JOIN event_costs USING (type)
) AS costs
GROUP BY ROLLUP (dt)
-- Without events there is no total either.
HAVING count(*) > 0
ORDER BY dt
