-- How long images took from upload to ready, for each hour (UTC).
SELECT
  date_trunc('hour', time) AS hour,
  count(*) AS images,
  approx_percentile(upload_to_ready_milliseconds, 0.5) AS p50_milliseconds,
  approx_percentile(upload_to_ready_milliseconds, 0.95) AS p95_milliseconds,
  approx_percentile(upload_to_ready_milliseconds, 0.99) AS p99_milliseconds
FROM events
WHERE type = 'image.ready' AND upload_to_ready_milliseconds IS NOT NULL
GROUP BY 1
ORDER BY 1
