-- How many images failed for each reason.
SELECT
  code,
  count(*) AS images,
  round(1E2 * count(*) / sum(count(*)) OVER (), 1) AS percent_of_failures
FROM events
WHERE type = 'image.failed'
GROUP BY code
ORDER BY images DESC, code
