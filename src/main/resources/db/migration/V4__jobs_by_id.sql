-- Workers look for jobs of a kind by many ids at once. With the kind first, PostgreSQL before 17, which may have looked at the
-- queue when there was little in it, keeps a plan that finds all jobs of the kind, and reads them all for each few.
ALTER TABLE jobs DROP CONSTRAINT jobs_pkey, ADD PRIMARY KEY (task_instance, task_name);
ALTER TABLE outbound_jobs DROP CONSTRAINT outbound_jobs_pkey, ADD PRIMARY KEY (task_instance, task_name);
