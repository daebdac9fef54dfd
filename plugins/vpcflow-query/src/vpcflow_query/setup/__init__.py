"""What creates the right flow log for a resource: planned, then printed as AWS CLI, CloudFormation
or Terraform. Nothing here talks to AWS."""
