"""What is wrong with a run, since when, why, how sure: detectors find symptoms, causes compete to explain them."""
