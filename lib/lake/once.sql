-- Today and the 30 days before. Events arrive at least once; copies have the same id, type and day, and count once.
events AS (
  SELECT *
  FROM (
    SELECT *, row_number() OVER (PARTITION BY type, dt, event_id ORDER BY time) AS copy
    FROM image_events
    WHERE dt >= date_format(current_date - INTERVAL '30' DAY, '%Y-%m-%d')
  ) AS copies
  WHERE copy = 1
)
